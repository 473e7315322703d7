"""The official checkpoint of SAM-2 as safetensors, for the engine "sam2".

python -m pavas_florence_sam2.conversion sam2.1_hiera_tiny.pt sam2.1_tiny.safetensors
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from pavas_sdk.errors import PavasError, WeightsError

__all__ = ["convert", "main"]


def convert(checkpoint: str | Path, output: str | Path) -> Path:
    """Write the tensors of an official checkpoint under their official names.

    Args:
        checkpoint: ``sam2.1_hiera_*.pt``; read without executing anything in it.
        output: Safetensors file to write; it appears whole or not at all.

    Returns:
        The output's path.

    Raises:
        WeightsError: The checkpoint is no dictionary of tensors under "model", or cannot be read.
    """
    import torch
    from safetensors.torch import save_file

    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        tensors = {str(name): tensor for name, tensor in content["model"].items()}
        if not tensors or not all(isinstance(t, torch.Tensor) for t in tensors.values()):
            raise TypeError('"model" holds other things than tensors')
    except Exception as err:  # unpickling raises errors of many families
        raise WeightsError(
            f"{checkpoint} is no official checkpoint of SAM-2 (a dictionary of tensors under "
            f'"model"): {type(err).__name__}: {err}'
        ) from err
    target = Path(output)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        # tensors that share memory are written each by itself
        save_file({name: t.contiguous().clone() for name, t in tensors.items()}, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Convert from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pavas_florence_sam2.conversion")
    parser.add_argument("checkpoint", help="official sam2.1_hiera_*.pt")
    parser.add_argument("output", help="safetensors file to write")
    given = parser.parse_args(arguments)
    try:
        convert(given.checkpoint, given.output)
    except PavasError as err:
        sys.stderr.write(f"Error: {err}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
