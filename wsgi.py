import sys

from app import create_app
from app.credentials import CredentialsError
from app.front import SettingError
from app.store import StoreError

try:
    app = create_app()
except (StoreError, CredentialsError, SettingError) as error:
    sys.exit(f"The quiz can't start: {error}")
except OSError as error:
    sys.exit(f"The quiz can't start: its data folder can't be used ({error}). QUIZ_DATA names another one.")
