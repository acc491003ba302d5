"""A look at the API: one request to each resource, and no more than that."""

from framework.author.peek import look_at
from framework.build.events import unwatched
from framework.build.world import World
from tests.build.opened import connector_of, one_list
from tests.servers.web import Web


def test_a_look_at_an_export_creates_the_job_and_waits_for_nothing(project):
    export = {"status": "/jobs/{job.id}", "ready": "done", "download": "{response.url}"}
    with Web() as web:
        web.on("/items", {"id": 1})
        connector = connector_of(project, one_list(web.url, {"export": export}))
        (looked,) = look_at(connector, connector.resources, {}, None, World(), unwatched)
        assert (looked.outcome, looked.message) == ("readable", "its export job was created")
        assert web.paths() == ["/items"]
