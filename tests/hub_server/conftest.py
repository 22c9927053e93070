"""Fixtures of the tests of the loopback Hub itself."""

from tests.hub_server.fixtures import hub, hub_api, hub_environment  # noqa: F401
