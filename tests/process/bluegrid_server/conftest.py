"""Real models in a real store, and servers for them."""

from __future__ import annotations

from tests.support.served import client as client
from tests.support.served import models as models
from tests.support.served import publish as publish
from tests.support.served import served as served
from tests.support.served import settings as settings
from tests.support.served import trained as trained
