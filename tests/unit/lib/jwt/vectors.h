/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vectors: keys and tokens of RFC 7515 appendix A, RFC 7519 section 6.1 and
 * RFC 8037 appendix A. The keys are the RFCs' JWKs written as PEM.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_TESTS_UNIT_LIB_JWT_VECTORS_H
#define FLOE_TESTS_UNIT_LIB_JWT_VECTORS_H

/* {"iss":"joe", "exp":1300819380, "http://example.com/is_root":true} */
#define RFC7515_PAYLOAD                                                    \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt" \
	"cGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RFC7515_EXP 1300819380

/* A.1; also RFC 7519 section 3.1. The secret in base64url, 64 bytes. */
#define RFC7515_A1_SECRET                                                  \
	"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i" \
	"PS4hcgUuTwjAzZr1Z9CAow"
#define RFC7515_A1                                                  \
	"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC7515_PAYLOAD \
	".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

/* A.2 */
#define RFC7515_A2_KEY                                                       \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj\n" \
	"NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz\n" \
	"P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo\n" \
	"9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB\n" \
	"EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX\n" \
	"FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp\n" \
	"oQIDAQAB\n"                                                         \
	"-----END PUBLIC KEY-----\n"
#define RFC7515_A2                                                          \
	"eyJhbGciOiJSUzI1NiJ9." RFC7515_PAYLOAD                             \
	".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7" \
	"AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4"  \
	"BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"  \
	"0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqv"  \
	"hJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrB"  \
	"p0igcN_IoypGlUPQGe77Rw"

/* A.3 */
#define RFC7515_A3_KEY                                                       \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n" \
	"6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"     \
	"-----END PUBLIC KEY-----\n"
#define RFC7515_A3                                                          \
	"eyJhbGciOiJFUzI1NiJ9." RFC7515_PAYLOAD                             \
	".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA" \
	"pmWQxfKTUJqPP3-Kg6NU1Q"

/* RFC 8037 A.4: what is signed is a sentence. */
#define RFC8037_KEY                                                      \
	"-----BEGIN PUBLIC KEY-----\n"                                   \
	"MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n" \
	"-----END PUBLIC KEY-----\n"
#define RFC8037_PAYLOAD "Example of Ed25519 signing"
#define RFC8037_A4                                                      \
	"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"      \
	".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylG" \
	"jg5BhVsPt9g7sVvpAr_MuM0KAg"

/* RFC 7519 section 6.1: unsecured, and so nobody's. */
#define RFC7519_61 "eyJhbGciOiJub25lIn0." RFC7515_PAYLOAD "."

#endif
