"""What a WSGI server loads: `app.wsgi:application`."""

from app import create_app
from app.log import set_up_logging
from app.settings import Settings

set_up_logging()
application = create_app(Settings.from_env())
