"""The outside world of the local stack in one process: Stripe, and an SMTP server whose mailbox can be read.

`python -m mesh.local.simulators --folder F --stripe-port N --smtp-port N --mailbox-port N [--webhook-url URL]`; the secrets
STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET come from the environment.
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from mesh.local.mailbox import Mailbox
from mesh.local.stripe_simulator import StripeSimulator
from mesh.telemetry import configure_logs


async def _serve(given: argparse.Namespace, secrets: tuple[str, str]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    api_key, webhook_secret = secrets
    stripe = StripeSimulator(given.folder, api_key=api_key, webhook_secret=webhook_secret, webhook_url=given.webhook_url)
    mailbox = Mailbox(given.folder)
    await stripe.start(port=given.stripe_port)
    await mailbox.start(smtp_port=given.smtp_port, http_port=given.mailbox_port)
    await stop.wait()
    await mailbox.stop()
    await stripe.stop()


def main() -> None:
    """Serves until SIGTERM or SIGINT. Ends with exit code 1 when an address is taken, 2 when it is not told enough."""
    parser = argparse.ArgumentParser(prog="mesh.local.simulators")
    parser.add_argument("--folder", type=Path, required=True)
    for name in ("--stripe-port", "--smtp-port", "--mailbox-port"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--webhook-url", default="")
    given = parser.parse_args()
    try:
        secrets = (os.environ["STRIPE_API_KEY"], os.environ["STRIPE_WEBHOOK_SECRET"])
    except KeyError as missing:
        parser.error(f"{missing.args[0]} is missing in the environment")
    configure_logs("simulators", "info")
    try:
        asyncio.run(_serve(given, secrets))
    except OSError as error:
        print(f"simulators: {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
