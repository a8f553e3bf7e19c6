"""The interactive reference of the API."""

from tests.browser.conftest import Visit
from tests.browser.seen import seen
from tests.support.stack import Stack


async def test_the_reference_needs_no_other_origin(product: Stack, visit: Visit) -> None:
    page = await visit(f"{product.url}/docs")
    await page.get_by_text("/v1/answers/{answer_id}/events").wait_for()
    assert all(url.startswith((product.url, "data:")) for url in seen(page).requests)
