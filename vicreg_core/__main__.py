"""``python -m vicreg_core`` is ``vicreg``."""

from vicreg_core.cli.main import main

if __name__ == "__main__":
    main()
