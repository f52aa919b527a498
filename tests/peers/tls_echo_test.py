"""The tls_echo example and those who talk to it: openssl, socat and curl.

SPDX-License-Identifier: MIT
"""

import pathlib
import subprocess
import tempfile
import unittest

import programs
from programs import NC, Example, Program


def s_client(address, *options):
    """`-quiet` has it say nothing of its own, and stay when its input ends."""
    return Program("openssl", "s_client", "-quiet", "-connect", address,
                   *options)


class TlsEchoTest(unittest.TestCase):
    def test_s_client_hears_what_it_says(self):
        with Example("tls_echo", "127.0.0.1:0") as echo:
            for version in ("-tls1_2", "-tls1_3"):
                with self.subTest(version), \
                        s_client(echo.address, version) as client:
                    client.say("warp\n")
                    self.assertEqual("warp\n", client.output.line())

    def test_s_client_believes_the_certificate_that_was_given(self):
        with tempfile.TemporaryDirectory() as folder:
            chain = pathlib.Path(folder, "chain.pem")
            key = pathlib.Path(folder, "key.pem")
            with Program("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                         "ec_paramgen_curve:P-256", "-nodes", "-subj",
                         "/CN=loom", "-addext", "subjectAltName=DNS:loom",
                         "-keyout", key, "-out", chain,
                         stderr=subprocess.DEVNULL) as maker:
                self.assertEqual(0, maker.ended())
            with Example("tls_echo", "127.0.0.1:0", chain, key) as echo, \
                    s_client(echo.address, "-CAfile", chain,
                             "-verify_return_error", "-verify_hostname",
                             "loom") as client:
                client.say("warp\n")
                self.assertEqual("warp\n", client.output.line())

    def test_s_client_hears_the_end_after_its_own(self):
        with Example("tls_echo", "127.0.0.1:0") as echo, \
                Program("socat", "-t60", "-",
                        f"OPENSSL:{echo.address},verify=0") as client:
            client.say("warp\nweft\n")
            client.end_input()
            self.assertEqual("warp\nweft\n", client.output.rest())
            self.assertEqual(0, client.ended())

    def test_curl_hears_its_own_request(self):
        # Of the time before answers had a head: all of it is the answer.
        with Example("tls_echo", "127.0.0.1:0") as echo, \
                Program("curl", "-skN", "--http0.9", "--http1.1",
                        f"https://{echo.address}/warp") as curl:
            self.assertEqual("GET /warp HTTP/1.1\r\n", curl.output.line())

    def test_all_of_16_megabytes_comes_back(self):
        with Example("tls_echo", "127.0.0.1:0") as echo:
            self.assertTrue(programs.comes_back(
                16 << 20, "socat", "-t60", "-",
                f"OPENSSL:{echo.address},verify=0"))

    def test_who_speaks_no_tls_ends_nobody_else(self):
        with Example("tls_echo", "127.0.0.1:0") as echo, \
                Program(NC, *echo.host_and_port) as silent, \
                Program(NC, "-N", *echo.host_and_port) as plain, \
                s_client(echo.address) as client:
            plain.say("GET / HTTP/1.0\r\n\r\n")
            plain.end_input()
            plain.output.rest()
            plain.ended()

            client.say("warp\n")
            self.assertEqual("warp\n", client.output.line())

            echo.interrupt()
            self.assertEqual(0, echo.ended())
            silent.end_input()
            self.assertEqual("", silent.output.rest())


if __name__ == "__main__":
    programs.main()
