# SPDX-License-Identifier: Apache-2.0
"""Tokens for tests, made by tests/support/token.py (which is not imported by its name: Python has a module `token`)."""

import importlib.util
import pathlib

_path = pathlib.Path(__file__).resolve().parents[2] / "support" / "token.py"
_spec = importlib.util.spec_from_file_location("postern_token", _path)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
make_token = _module.make_token
content = _module.content
sign = _module.sign
new_signer = _module.new_signer
SIZES = _module.SIZES
