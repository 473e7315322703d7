import sys
from pathlib import Path

# importlib mode puts no test folder on the path; the strategies are shared by several files
sys.path.insert(0, str(Path(__file__).parent))
