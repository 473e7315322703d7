"""The page of ``pavas ui`` as a Space of the Hugging Face Hub."""

from pavas_sdk.ui import serve

serve(host="0.0.0.0", port=7860)
