"""Set-up, sessions, tokens and the audit, in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import requests

from tests.support.people import PASSWORD
from tests.support.serving import Served
from tests.support.spans import Spans, body
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for

Visit = Callable[..., Visitor]
NEW_PASSWORD = "an even longer sentence"
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def enter(visitor: Visitor, name: str, password: str) -> None:
    """Fill in the login page that is shown."""
    visitor.page.fill("#username", name)
    visitor.page.fill("#password", password)
    visitor.page.click("button[type=submit]")
    visitor.page.wait_for_selector("#content .card, #content .empty")


def send(served: Served, token: str) -> int:
    """The status of an export."""
    headers = {**PROTOBUF, "Authorization": f"Bearer {token}"}
    data = body(Spans(7).many(1))
    return requests.post(served.traces, data, headers=headers, timeout=30).status_code


def test_from_the_set_up_link_to_the_audit(
    serve: Callable[..., Served], visit: Visit, new_url: Callable[[str], str]
) -> None:
    """The first admin comes in by the link, makes a token, ends a session, changes the password."""
    served = serve(new_url("sqlite"), OTEL_FMD_ADMIN_PASSWORD="", OTEL_FMD_REQUIRE_TOKEN="true")
    link = re.search(r"create the first user at (\S+)", "\n".join(served.output))
    assert link is not None
    one = visit(served)
    page = one.page
    page.goto(link[1])
    page.fill("#username", "ana")
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#content .card, #content .empty")

    assert send(served, "ofmd_wrong") == 401
    page.goto(f"{served.dashboard}/admin/tokens")
    page.fill("#token-name", "apps")
    page.get_by_role("checkbox", name="read", exact=True).uncheck()
    page.get_by_role("checkbox", name="ingest", exact=True).check()
    page.get_by_role("button", name="Create").click()
    secret = page.locator("#token-secret").inner_text()
    assert re.fullmatch(r"ofmd_[\w-]{43}", secret)
    wait_for(lambda: send(served, secret) == 200, 10, "the new token is taken")
    page.reload()
    page.wait_for_selector(".ag-row")
    assert secret not in page.content()
    assert page.get_by_text(secret[:9]).count() == 1
    page.fill("#token-name", "apps")
    page.get_by_role("button", name="Revoke").click()
    page.get_by_text("Revoked.").wait_for()
    wait_for(lambda: send(served, secret) == 401, 10, "the token is refused")

    other = visit(served)
    other.log_in("ana", PASSWORD)
    page.goto(f"{served.dashboard}/account")
    page.get_by_text("this browser").wait_for()
    page.get_by_role("button", name=re.compile("End the session of Chrome")).click()
    page.get_by_text("The session has ended.").wait_for()
    other.page.goto(f"{served.dashboard}/hourly")
    other.page.wait_for_url("**/login?next=**")

    page.fill("#own-current", PASSWORD)
    page.fill("#own-password", NEW_PASSWORD)
    page.fill("#own-again", NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    page.get_by_role("link", name="Log in again").click()
    enter(one, "ana", NEW_PASSWORD)

    page.goto(f"{served.dashboard}/admin/audit")
    page.wait_for_selector(".ag-row")
    actions = page.locator(".ag-row [col-id=action]").all_inner_texts()
    assert actions == [
        "login",
        "user.password",
        "session.end",
        "login",
        "token.revoke",
        "token.add",
        "login",
        "user.add",
    ]


def test_what_goes_wrong_is_said_in_the_forms(
    serve: Callable[..., Served], visit: Visit, new_url: Callable[[str], str]
) -> None:
    """The value, and what was expected; nothing changes."""
    served = serve(new_url("sqlite"))
    one = visit(served)
    one.log_in()
    page = one.page
    page.goto(f"{served.dashboard}/admin/tokens")
    page.get_by_role("button", name="Create").click()
    page.get_by_text("token name '': expected 1 to 100 letters").wait_for()
    page.fill("#token-name", "apps")
    page.get_by_role("button", name="Revoke").click()
    page.get_by_text("there is no token 'apps'").wait_for()
    page.goto(f"{served.dashboard}/account")
    page.fill("#own-current", "wrong")
    page.fill("#own-password", NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    page.get_by_text("the two new passwords differ").wait_for()
    page.fill("#own-again", NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    page.get_by_text("the current password is wrong").wait_for()
    page.goto(f"{served.dashboard}/admin/users")
    page.fill("#user-name", "ben")
    page.fill("#user-password", "short")
    page.get_by_role("button", name="Add").click()
    page.get_by_text("the password has 5 characters: expected 12 to 1000").wait_for()
