# SPDX-License-Identifier: BSD-3-Clause
"""The known mistakes, each as the least change that makes it, and the tests
that notice. An edit's old text is in its file once, whatever else changes there.
"""
import collections

Plant = collections.namedtuple('Plant', 'name mistake edits tests')
Edit = collections.namedtuple('Edit', 'file old new')

CORE = 'tests/unit/signald/core/'
LOG = 'tests/unit/signald/log/'
DGRAM = 'tests/unit/lib/dgram/'

PLANTS = [
    Plant('from', 'the sender that a client names is believed', [
        Edit('signald/core/op.c', '{ "to", "conv", "mid", "type", "body", "reply", "mentions" }',
             '{ "to", "conv", "mid", "type", "body", "reply", "mentions", "from" }'),
        Edit('signald/core/message.c', '\t\tappend->counts = true;\n',
             '\t\tappend->counts = true;\n'
             '\t\tconst char *from = json_in_str_opt(&req->in, "from", 1, SIG_NAME_MAX);\n'
             '\t\tif (from != NULL)\n\t\t\tmemcpy(append->user, from, strlen(from) + 1);\n'),
    ], [CORE + 'message']),
    Plant('origin', 'pages of any origin may open a link', [
        Edit('signald/link.c', 'if (!front_origin_ok(c, head)) {', 'if (front_origin_ok(c, head) && false) {'),
    ], ['interop/test_signald_ws.WebSocket.test_handshake']),
    Plant('expired', 'a token is good after its end', [
        Edit('signald/core/token.c', 'claims.grant.expires_ms <= wall_ms', 'wall_ms == 0'),
    ], [CORE + 'token']),
    Plant('expired-outside', 'so is one of an identity service', [
        Edit('lib/jwt/claims.c', 'now_s >= (uint64_t)exp + policy->leeway_s', 'exp == 0'),
    ], ['tests/unit/lib/jwt/jwt', CORE + 'auth']),
    Plant('history', "whoever names a conversation reads it, others' groups too", [
        Edit('signald/log/answer.c',
             'return rc == 0 ? schema_member(a->txn, a->uid, *cid, mine) : rc;',
             'if (rc == 0 && schema_member(a->txn, a->uid, *cid, mine) != 0)\n'
             '\t\tmemset(mine, 0, sizeof(*mine));\n\treturn rc;'),
    ], [LOG + 'msglog', CORE + 'group', 'interop/test_signald_rest.Rest.test_others_conversations']),
    Plant('files', 'whoever knows the name of a file reads it', [
        Edit('signald/log/file.c', '\tif (rc != -ENOENT)\n\t\treturn rc;\n'
             '\trc = store_walk_init(&walk, txn, T_FILE_CONVS,', '\tif (rc != 0)\n\t\treturn 0;\n'
             '\trc = store_walk_init(&walk, txn, T_FILE_CONVS,'),
    ], [LOG + 'file', 'interop/test_signald_files.Plain.test_nobody_else_learns_of_it']),
    Plant('ids', 'an id is read, used, and counted up later', [
        Edit('signald/log/entry.c', 'p->id = run->next_id++;', 'p->id = run->next_id;'),
        Edit('signald/log/apply.c', '\trc = mid_expire(&run);\n',
             '\trun.next_id += group->messages > 0;\n\trc = mid_expire(&run);\n'),
    ], [LOG + 'msglog']),
    Plant('one-device', "a user's second device ends the first one's link", [
        Edit('signald/core/hello.c', '\ts = sig_session_new(core, login->user, login->device);\n',
             '\twhile ((s = LIST_FIRST(&login->user->sessions)) != NULL) {\n'
             '\t\tif (s->link != NULL)\n\t\t\tsig_link_close(core, s->link->id, 4001, "another device");\n'
             '\t\tsig_session_end(core, s);\n\t}\n'
             '\ts = sig_session_new(core, login->user, login->device);\n'),
    ], [CORE + 'message']),
    Plant('late-close', 'the late end of the old link takes the newer one away', [
        Edit('signald/core/session.c', '\t\told->session = NULL;\n\t\tsig_link_close(\n\t\t    core, old->id, 4001,',
             '\t\tsig_close(\n\t\t    core, old->id, 4001,'),
    ], [CORE + 'session', 'interop/test_signald_links.Links.test_taken_over',
        'interop/test_signald_links.Links.test_a_dead_link_is_replaced']),
    Plant('blocking', 'who does not read holds up everybody', [
        Edit('signald/conn.c', '\t\tif (n == -EAGAIN)\n\t\t\tbreak;\n', '\t\tif (n == -EAGAIN)\n\t\t\tcontinue;\n'),
    ], ['interop/test_signald_links.Links.test_a_slow_reader']),
    Plant('in-memory', 'what waits for who is away is gone with the process', [
        Edit('signald/log/msglog.c', '\trc = store_open(&store, &log->store);\n',
             '\tchar path[4096];\n\tsnprintf(path, sizeof(path), "%s/data.mdb", store.dir);\n'
             '\tremove(path);\n\trc = store_open(&store, &log->store);\n'),
    ], [LOG + 'msglog', 'chaos/test_kill.Kill.test_offline_text_survives_a_kill']),
    Plant('offline-members', 'members of a group who are away get nothing', [
        Edit('signald/log/entry.c', '\tif (rc == 0)\n\t\trc = put_inbox(run, uid, to->sync, p);\n',
             '\tif (rc == 0 && (crowd->n == 2 || uid == p->uid))\n\t\trc = put_inbox(run, uid, to->sync, p);\n'),
    ], [CORE + 'group']),
    Plant('markup', "others' texts become nodes of the page", [
        Edit('web/page/dom.js', '  element.append(...children.filter((child) => child || child === ""));\n',
             '  for (const child of children.filter((one) => one || one === ""))\n'
             '    typeof child === "string" ? element.insertAdjacentHTML("beforeend", child) : element.append(child);\n'),
    ], ['tools/check/style.py']),
    Plant('cheap-hash', 'a password costs next to nothing to guess', [
        Edit('lib/crypto/secret.c', 'crypto_pwhash_OPSLIMIT_INTERACTIVE', 'crypto_pwhash_OPSLIMIT_MIN'),
        Edit('lib/crypto/secret.c', 'crypto_pwhash_MEMLIMIT_INTERACTIVE', 'crypto_pwhash_MEMLIMIT_MIN'),
    ], ['tests/unit/lib/crypto/secret']),
    Plant('dead-peer', 'what was written to a socket counts as arrived', [
        Edit('signald/core/inbox.c', '\tin->sent = sync;\n\tif (in->high < sync)\n',
             '\tin->sent = in->acked = sync;\n\tif (in->high < sync)\n'),
    ], [CORE + 'message']),
    Plant('resumed-twice', 'a resumed session gets again what it has', [
        Edit('signald/core/hello.c', '\tsig_inbox_start(core, s, from);\n',
             '\tsig_inbox_start(core, s, resumed ? 0 : from);\n'),
    ], [CORE + 'message']),
    Plant('sent-twice', 'a repeated request is a new message', [
        Edit('signald/log/mid.c', "\tif (a->mid[0] == '\\0')\n\t\treturn -ENOENT;\n",
             "\tif (a->mid[0] != '\\1')\n\t\treturn -ENOENT;\n"),
        Edit('signald/log/mid.c', 'rc = run_put(run, T_MIDS, &k, &b, STORE_INSERT);',
             'rc = run_put(run, T_MIDS, &k, &b, STORE_PUT);'),
    ], [LOG + 'msglog']),
    Plant('shown-twice', 'the page shows what is pushed again', [
        Edit('web/sdk/inbox.js', 'if (push.sync <= this.#sync)\n      return [];',
             'if (push.sync <= this.#sync)\n      return [push];'),
    ], ['tests/unit/web/inbox.test.mjs']),
    Plant('both-busy', 'two who call each other at once are both busy', [
        Edit('signald/core/call.c', '[CALLEE] = { do_accept, do_accept, do_same } },\n\t[SIG_CALL_RINGING]',
             '[CALLEE] = { do_busy, do_busy, do_same } },\n\t[SIG_CALL_RINGING]'),
    ], [CORE + 'call']),
    Plant('rings-on', 'devices ring on after another has answered', [
        Edit('signald/core/call.c', '\tif (!call->unrung)\n\t\tsig_call_tell(core, call, CALLEE, SIG_PUSH_OTHERS,',
             '\tif (call->unrung)\n\t\tsig_call_tell(core, call, CALLEE, SIG_PUSH_OTHERS,'),
    ], [CORE + 'call']),
    Plant('stranger-frames', 'a stranger may have a whole frame kept', [
        Edit('signald/worker.c', 'strangers = { SIG_PRELOGIN_READ,', 'strangers = { SIGNALD_FRAME_MAX,'),
    ], ['interop/test_signald_ws.WebSocket.test_close_codes', 'interop/test_signald_ws.WebSocket.test_bombs']),
    Plant('stranger-parsed', 'what a stranger says is parsed, however long', [
        Edit('signald/core/link.c', 'link->state != SIG_LINK_READY && len > SIG_PRELOGIN_READ', 'len == 0'),
    ], [CORE + 'session']),
    Plant('stranger-talks', 'a stranger is answered for as long as he likes', [
        Edit('signald/core/state.h', '#define SIG_PRELOGIN_OPS      64 ', '#define SIG_PRELOGIN_OPS      1000000 '),
    ], [CORE + 'op']),
    Plant('strangers', 'any number of strangers may wait to say hello', [
        Edit('signald/core/core.c', '(most == 0 || core->stats.strangers < most)', '(most == 0 || most > 0)'),
    ], [CORE + 'session', 'interop/test_signald_ws.WebSocket.test_strangers_are_bounded']),
    Plant('one-address', 'one address may take all connections', [
        Edit('signald/conn.c', 'return s == NULL || c->counted;', 'return true;'),
    ], ['interop/test_signald_http.Http.test_connections_of_one_address']),
    Plant('fragments', 'a message may come in any number of crumbs', [
        Edit('signald/worker.c', '#define FRAGMENTS_MAX 1024', '#define FRAGMENTS_MAX UINT32_MAX'),
    ], ['interop/test_signald_ws.WebSocket.test_close_codes']),
    Plant('headers', 'a request may have any number of header fields', [
        Edit('lib/h1/h1.h', '#define H1_FIELDS_MAX 64', '#define H1_FIELDS_MAX 4096'),
    ], ['tests/unit/lib/h1/h1', 'interop/test_signald_http.Http.test_malformed_requests']),
    Plant('inflated', 'a small message may become a large one', [
        Edit('lib/zip/zip.c', '\t\tif (n > max)\n', '\t\tif (out == NULL)\n'),
        Edit('lib/ws/ws.c', 'buf_init(&pool->unpacked, limits->message_bytes);',
             'buf_init(&pool->unpacked, SIZE_MAX / 2);'),
    ], ['tests/unit/lib/ws/deflate', 'interop/test_signald_ws.WebSocket.test_bombs']),
    Plant('who-exists', 'the answer to a log-in says who is unknown', [
        Edit('signald/account.c', '\t\tfront_error(c, 401, "unauthorized",\n\t\t    "no such user, or not this password", 0);',
             '\t\tfront_error(c, 401, "unauthorized",\n\t\t    job->known ? "not this password" : "no such user", 0);'),
    ], ['interop/test_signald_http.Http.test_accounts']),
    Plant('who-is-slow', 'or how long it takes does', [
        Edit('signald/account.c', '\t\tjob = job_new(kind);\n\t\tif (job != NULL && known) {',
             '\t\tif (!known) {\n\t\t\tfront_error(c, 401, "unauthorized",\n'
             '\t\t\t    "no such user, or not this password", 0);\n\t\t\tcrypto_wipe(&form, sizeof(form));\n'
             '\t\t\treturn;\n\t\t}\n\t\tjob = job_new(kind);\n\t\tif (job != NULL && known) {'),
    ], ['interop/test_signald_http.Http.test_unknown_users_take_as_long']),
    Plant('app-tokens', 'a token of one community opens another', [
        Edit('signald/app.c', 'rc = state_key(dir, app->setup.core.token_key, err);',
             'rc = state_key(d->conf->daemon.common.state_dir, app->setup.core.token_key, err);'),
    ], ['interop/test_signald_apps.Apart.test_tokens']),
    Plant('app-moves', 'a link that moves to its user\'s worker leaves its community', [
        Edit('signald/link.c', 'c->desk = app_desk(c->desk->app, to);', 'c->desk = worker_desk(to, 0);'),
    ], ['interop/test_signald_apps.Apart.test_links_that_move']),
    Plant('starved', 'a socket is not read any more when a worker had no buffer for what came', [
        Edit('lib/dgram/dgram.c', '\telse\n\t\tring_receive(s->all->ring, &s->op, s->fd);',
             '\telse if (done->res != -ENOBUFS)\n\t\tring_receive(s->all->ring, &s->op, s->fd);'),
    ], [DGRAM + 'dgram']),
    Plant('overwritten', 'what waits to be sent is overwritten by what comes in', [
        Edit('lib/ring/ring.c', '\tif (n > SQ_ENTRIES / 2)\n', '\tbuffers_return(r);\n\tif (n > SQ_ENTRIES / 2)\n'),
    ], [DGRAM + 'dgram']),
    Plant('noise-beside', 'a client\'s noise costs another one what it said just before', [
        Edit('lib/stream/stream.c', 'ss->in_used += used < 0 ? len : (size_t)used;',
             'ss->in_used += used < 0 ? 0 : (size_t)used;'),
    ], ['tests/unit/lib/stream/stream']),
    Plant('half-a-character', 'a text may end in the middle of a character', [
        Edit('lib/ws/reader.c', 'if (r->opcode == WS_TEXT && !utf8_whole(&r->text))', 'if (false)'),
    ], ['interop/test_ws_conformance.Conformance.test_rfc6455']),
    Plant('unmasked', 'frames of a client need no mask', [
        Edit('lib/ws/reader.c', '(f->mask != 0) == r->sink->pool->limits.client', 'false'),
    ], ['tests/unit/lib/ws/ws']),
    Plant('silent-loss', 'nobody hears of datagrams that there was no room for', [
        Edit('lib/dgram/dgram.c', '\t\ts->all->conf.lost(s->all->conf.arg, s->fd, drops - s->drops);\n', ''),
    ], [DGRAM + 'dgram']),
    Plant('refused-run', 'what the kernel does not cut into segments is lost', [
        Edit('lib/net/batch_tx.c', '\tsend_singly(tx, r, &tx->hdr[i].msg_hdr);', '\ttell_run(tx, r);\n\t(void)send_singly;'),
    ], ['tests/unit/lib/net/batch', DGRAM + 'trouble']),
    Plant('icmp-met', 'what ICMP says is not heard when a send has met it first', [
        Edit('lib/dgram/dgram.c', '\t\t\tnote_met(d, fds[i]);', '\t\t\t(void)note_met;'),
    ], [DGRAM + 'trouble']),
    Plant('icmp-others', 'a dead peer costs another one a datagram', [
        Edit('lib/dgram/dgram.c', '\t\t(void)batch_send(NULL, &fds[i], &m[i], 1, &errs[i]);', '\t\tcontinue;'),
    ], [DGRAM + 'trouble']),
    Plant('number-again', 'a socket that is closed takes the datagrams of who has its number next', [
        Edit('lib/ring/ring.c', '\tif (sq->sqe_tail - op->at >= io_uring_sq_ready(&r->uring))\n', '\tif (op->at > 0)\n'),
    ], [DGRAM + 'trouble', 'tests/unit/lib/ring/ring']),
    Plant('kept-bound', 'a daemon that has ended keeps its ports', [
        Edit('lib/ring/ring.c', '\t(void)io_uring_register_sync_cancel(&r->uring, &all);', '\t(void)all;'),
    ], [DGRAM + 'trouble', 'tests/unit/lib/ring/ring']),
]
