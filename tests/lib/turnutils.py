# SPDX-License-Identifier: BSD-3-Clause
"""turnutils: how coturn's test client is run and judged."""

import functools
import re
import subprocess

import floe

# -y: it talks from one relayed address of its own to another.
UCLIENT = ["turnutils_uclient", "-y", "-l", "160", "-z", "20",
           "-u", floe.TURN_USER[0], "-w", floe.TURN_USER[1]]


@functools.cache
def version(tool="uclient"):
    """For the table of the runner."""
    coturn = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", "coturn"], check=True,
        stdout=subprocess.PIPE, text=True).stdout
    return f"turnutils_{tool} {coturn}"


def check(test, text, at_least, loss=0):
    """Every message that uclient sent has come back, but for so many %."""
    totals = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", text)
    test.assertTrue(totals, text)
    sent, received = map(int, totals[-1])
    test.assertGreaterEqual(sent, at_least, text)
    test.assertEqual(received, sent * (100 - loss) // 100, text)
    # It goes on with fewer TCP connections than it wanted, after 35 s.
    test.assertNotIn("not enough", text)
