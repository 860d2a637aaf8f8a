/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/tls/internal.h"

static enum tls_trust
trust_of(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TLS_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_NOT_YET;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_WRONG_NAME;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return TLS_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return TLS_UNKNOWN_AUTHORITY;
	default:
		return TLS_UNTRUSTED;
	}
}

/* The names that it is for, or its subject when it has none. */
static void
print_names(BIO *b, X509 *x)
{
	int i = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);

	BIO_puts(b, "it is for ");
	if (i < 0 || X509V3_EXT_print(b, X509_get_ext(x, i), 0, 0) != 1)
		X509_NAME_print_ex(
		    b, X509_get_subject_name(x), 0, XN_FLAG_ONELINE);
}

static void
print_fault(BIO *b, X509 *x, int error)
{
	switch (trust_of(error)) {
	case TLS_EXPIRED:
		BIO_puts(b, "it was good until ");
		ASN1_TIME_print(b, X509_get0_notAfter(x));
		return;
	case TLS_NOT_YET:
		BIO_puts(b, "it is good from ");
		ASN1_TIME_print(b, X509_get0_notBefore(x));
		return;
	case TLS_WRONG_NAME:
		print_names(b, x);
		return;
	case TLS_UNKNOWN_AUTHORITY:
		BIO_puts(b, "issued by ");
		X509_NAME_print_ex(
		    b, X509_get_issuer_name(x), 0, XN_FLAG_ONELINE);
		return;
	default:
		BIO_puts(b, X509_verify_cert_error_string(error));
		return;
	}
}

/* A certificate is a stranger's text: only what a terminal takes. */
static void
note(struct tls_verdict *v, X509_STORE_CTX *s)
{
	X509 *x = X509_STORE_CTX_get_current_cert(s);
	int error = X509_STORE_CTX_get_error(s);
	BIO *b = BIO_new(BIO_s_mem());
	int i, n = 0;

	v->trust = trust_of(error);
	if (b != NULL && x != NULL) {
		print_fault(b, x, error);
		n = BIO_read(b, v->words, (int)sizeof(v->words) - 1);
	}
	BIO_free(b);
	for (i = 0; i < n; i++) {
		if (v->words[i] < ' ' || v->words[i] > '~')
			v->words[i] = '?';
	}
	v->words[n > 0 ? n : 0] = '\0';
}

/* Only the first thing wrong: the others often follow from it. */
static void
judge(int ok, X509_STORE_CTX *s)
{
	SSL *ssl =
	    X509_STORE_CTX_get_ex_data(s, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_verdict *v = SSL_get_app_data(ssl);

	if (ok != 1 && v->trust == TLS_TRUSTED)
		note(v, s);
}

static int
verify(int ok, X509_STORE_CTX *s)
{
	judge(ok, s);
	return ok;
}

static int
verify_and_go_on(int ok, X509_STORE_CTX *s)
{
	judge(ok, s);
	return 1;
}

static int
load_trust(SSL_CTX *ssl, const char *ca, char err[TLS_ERR_MAX])
{
	const char *why;

	if (ca == NULL)
		return SSL_CTX_set_default_verify_paths(ssl) == 1 ? 0 : -EINVAL;
	if (SSL_CTX_load_verify_file(ssl, ca) == 1)
		return 0;
	why = ERR_reason_error_string(ERR_peek_last_error());
	snprintf(err, TLS_ERR_MAX, "%.150s: no usable PEM certificates%s%s", ca,
	    why != NULL ? ": " : "", why != NULL ? why : "");
	ERR_clear_error();
	return -EINVAL;
}

static SSL_CTX *
client_ctx(const SSL_METHOD *method, int least,
    const struct tls_client_conf *conf, char err[TLS_ERR_MAX])
{
	SSL_CTX *ssl = SSL_CTX_new(method);

	if (ssl == NULL)
		return NULL;
	if (load_trust(ssl, conf->ca, err) != 0 ||
	    SSL_CTX_set_min_proto_version(ssl, least) != 1) {
		SSL_CTX_free(ssl);
		return NULL;
	}
	SSL_CTX_set_mode(ssl,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(
	    ssl, SSL_VERIFY_PEER, conf->insecure ? verify_and_go_on : verify);
	return ssl;
}

int
tls_client_ctx_new(const struct tls_client_conf *conf, struct tls_ctx **out,
    char err[TLS_ERR_MAX])
{
	SSL_CTX *stream, *datagram = NULL;
	int rc = -EINVAL;

	snprintf(err, TLS_ERR_MAX, "OpenSSL cannot make a context");
	stream = client_ctx(TLS_client_method(), TLS1_2_VERSION, conf, err);
	if (stream != NULL)
		datagram = client_ctx(
		    DTLS_client_method(), DTLS1_2_VERSION, conf, err);
	if (datagram != NULL) {
		/* The path is not asked; DTLS_MTU is said of each session. */
		SSL_CTX_set_options(datagram, SSL_OP_NO_QUERY_MTU);
		SSL_CTX_set_read_ahead(datagram, 1);
		rc = tls_ctx_wrap(stream, datagram, conf->alpn, out);
	}
	if (rc != 0) {
		SSL_CTX_free(stream);
		SSL_CTX_free(datagram);
	}
	return rc;
}

int
tls_client_expect(SSL *ssl, const char *host, struct tls_verdict *v)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	SSL_set_app_data(ssl, v);
	SSL_set_connect_state(ssl);
	/* An address has no place in SNI (RFC 6066 section 3). */
	if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
		return 0;
	ERR_clear_error();
	return SSL_set1_host(ssl, host) == 1 &&
		SSL_set_tlsext_host_name(ssl, host) == 1
	    ? 0
	    : -EINVAL;
}
