"""Whether an app's webhook is at its forge, and arrives."""

from collections.abc import Sequence

from framework.forges.setup.webhooks import Hooks, KnownHook
from framework.ports.forge_errors import ForgeError, ForgeRefused
from framework.ports.forges import Finding, Webhook

PART = "webhook"


def check(hooks: Hooks | None, webhook: Webhook, app: str) -> Finding:
    """Return what is found of the webhook. Blocks on the forge; raises nothing.

    `hooks` is None if the forge's API cannot tell.
    """
    make = f"`prevs forge hook {app}` enters it."
    if not webhook.secret:
        return Finding(
            PART,
            True,
            "The app has none: prevs looks again and again by itself.",
            f"`prevs forge hook {app}` has it look at once.",
        )
    if hooks is None:
        return _judge_by_arrivals(webhook, app)
    try:
        known = list(hooks.find(webhook.url))
    except ForgeRefused:
        return _judge_by_arrivals(webhook, app, hooks.rights)
    except ForgeError as error:
        return Finding(PART, False, str(error), "Try again.")
    if not known:
        return Finding(
            PART, False, f"The forge has no webhook with the address {webhook.url}.", make
        )
    return _judge(known, webhook, app)


def _judge(known: Sequence[KnownHook], webhook: Webhook, app: str) -> Finding:
    make = f"`prevs forge hook {app}` corrects that."
    one = known[0]
    if not one.is_active:
        return Finding(PART, False, "The forge has it, but has switched it off.", make)
    if one.lacks:
        lacks = ", ".join(one.lacks)
        return Finding(PART, False, f"The forge does not announce all events: {lacks}.", make)
    if one.answer is not None and not 200 <= one.answer < 300:
        return _explain_failure(one.answer, webhook.url, app)
    return Finding(PART, True, _tell_last(webhook) or "The forge has it. None has come yet.")


def _explain_failure(answer: int, url: str, app: str) -> Finding:
    if answer == 401:
        return Finding(
            PART,
            False,
            "The last one was refused: the forge has another secret than prevs.",
            f"`prevs forge hook {app}` enters the right one.",
        )
    told = f"failed with the status {answer}" if answer else "got no answer"
    return Finding(
        PART,
        False,
        f"The forge's last delivery to {url} {told}.",
        "Look from the forge's machine whether that address leads to a proxy of prevs: name, "
        "certificate, firewall (curl). Then have the forge deliver it again.",
    )


def _judge_by_arrivals(webhook: Webhook, app: str, rights: str = "") -> Finding:
    if last := _tell_last(webhook):
        return Finding(PART, True, last)
    return Finding(
        PART,
        None,
        "Nothing is known of it: prevs cannot look at the forge, and none has come yet.",
        f"Push something. If none comes, `prevs forge hook {app}` shows what to enter. "
        f"{rights}".strip(),
    )


def _tell_last(webhook: Webhook) -> str:
    if webhook.hooked is None:
        return ""
    if webhook.hooked < 60:
        return "The last one came less than a minute ago."
    return f"The last one came {webhook.hooked / 60:.0f} min ago."
