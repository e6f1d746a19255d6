#!/usr/bin/env python3
"""requests and websockets over TLS: both answer to those who trust the venue's authority, and to nobody else.

    check_tls.py --rest https://127.0.0.1:9100 --ws wss://127.0.0.1:9100 --authority ca.pem CAPTURE.gz [CAPTURE.gz ...]
"""

import argparse
import asyncio
import json
import ssl
import sys
import time

import requests
import websockets
from truth import Capture, Spot


def rest(check, base, authority):
    session = requests.Session()
    session.trust_env = False
    answer = session.get(base + "/api/v3/time", verify=authority, timeout=5)
    check.that(answer.status_code == 200 and answer.json()["serverTime"] > 0, "time", answer.status_code)
    # One connection carries many requests.
    for _ in range(3):
        book = session.get(base + "/api/v3/depth?symbol=BTCUSDT&limit=1000", verify=authority, timeout=5).json()
    check.book("depth", book["lastUpdateId"], book["bids"], book["asks"], 1000)
    check.saw_some("requests", 4)
    try:
        requests.Session().get(base + "/api/v3/time", verify=ssl.get_default_verify_paths().cafile or True, timeout=5)
        check.that(False, "requests trusted an unknown authority")
    except requests.exceptions.SSLError as error:
        check.that("CERTIFICATE_VERIFY_FAILED" in str(error), error)


async def sockets(check, base, authority):
    trusting = ssl.create_default_context(cafile=authority)
    async with websockets.connect(base + "/ws/btcusdt@trade/btcusdt@depth@100ms", ssl=trusting) as stream:
        trades = diffs = 0
        while trades < 20 or diffs < 5:
            event = json.loads(await asyncio.wait_for(stream.recv(), 10))
            if event["e"] == "trade":
                trades += 1
                check.trade("trade", event["t"], event["p"], event["q"], event["T"], event["m"])
            else:
                diffs += 1
                check.diff("depth", event)
        check.saw_some("trade", trades, 20)
        check.saw_some("depth", diffs, 5)
    try:
        async with websockets.connect(base + "/ws/btcusdt@trade", ssl=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)):
            check.that(False, "websockets trusted an unknown authority")
    except ssl.SSLCertVerificationError as error:
        check.that("self-signed" in str(error) or "issuer" in str(error), error)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rest", required=True)
    parser.add_argument("--ws", required=True)
    parser.add_argument("--authority", required=True)
    parser.add_argument("capture", nargs="+")
    given = parser.parse_args()
    time.sleep(2)  # the book is known once its snapshot has been played
    check = Spot("requests and websockets", "websockets", Capture(given.capture))
    rest(check, given.rest, given.authority)
    asyncio.run(asyncio.wait_for(sockets(check, given.ws, given.authority), 30))
    return check.end()


if __name__ == "__main__":
    sys.exit(main())
