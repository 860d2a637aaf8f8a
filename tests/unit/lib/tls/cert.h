/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cert: self-signed certificates for tests, made on the spot.
 * Owns: nothing.  Thread: one.
 */
#ifndef FLOE_TESTS_UNIT_LIB_TLS_CERT_H
#define FLOE_TESTS_UNIT_LIB_TLS_CERT_H

/* Writes both files; passphrase may be NULL. Fails the test on any error. */
void cert_make(
    const char *cert, const char *key, long serial, const char *passphrase);

#endif
