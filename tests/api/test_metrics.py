from prometheus_client.parser import text_string_to_metric_families
from tests.support.stack import Stack
from tests.support.waiting import wait_until


async def test_metrics_show_the_api_and_its_workers(stack: Stack) -> None:
    async def pruned() -> bool:
        """The worker counts the first run of a periodic job; the API shows it after the next heartbeat."""
        async with stack.http.get("/metrics") as response:
            assert response.status == 200
            families = {family.name: family for family in text_string_to_metric_families(await response.text())}
        settled = families["protostar_jobs_settled"].samples
        return any(
            sample.labels["kind"] == "jobs.prune" and sample.labels["process"] != "api" and sample.value >= 1 for sample in settled
        )

    await wait_until(pruned, 20)


async def test_each_series_is_shown_once(stack: Stack) -> None:
    async with stack.http.get("/metrics") as response:
        text = await response.text()
    lines = [line.rsplit(" ", 1)[0] for line in text.splitlines() if line and not line.startswith("#")]
    assert len(lines) == len(set(lines))
    assert "protostar_dependency_up" in text
