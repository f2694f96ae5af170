#include "common/pack.h"

#include <assert.h>
#include <msgpack/pack.h>
#include <string.h>

static int pack_write(void *data, const char *bytes, size_t size)
{
    buf_append(data, bytes, size);
    return 0;
}

/* A packer is two pointers: one a call costs nothing. Its writes cannot fail, so neither can it. */
static msgpack_packer packer_of(struct buf *out)
{
    msgpack_packer packer;

    msgpack_packer_init(&packer, out, pack_write);
    return packer;
}

void pack_nil(struct buf *out)
{
    msgpack_packer packer = packer_of(out);

    (void)msgpack_pack_nil(&packer);
}

void pack_bool(struct buf *out, bool value)
{
    msgpack_packer packer = packer_of(out);

    (void)(value ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer));
}

void pack_uint(struct buf *out, uint64_t value)
{
    msgpack_packer packer = packer_of(out);

    (void)msgpack_pack_uint64(&packer, value);
}

void pack_int(struct buf *out, int64_t value)
{
    msgpack_packer packer = packer_of(out);

    (void)msgpack_pack_int64(&packer, value);
}

void pack_double(struct buf *out, double value)
{
    msgpack_packer packer = packer_of(out);

    (void)msgpack_pack_double(&packer, value);
}

void pack_text(struct buf *out, const char *text)
{
    pack_string(out, span_text(text));
}

void pack_string(struct buf *out, struct span text)
{
    msgpack_packer packer = packer_of(out);

    assert(text.size <= UINT32_MAX);
    (void)msgpack_pack_str(&packer, text.size);
    buf_append_span(out, text);
}

void pack_bytes_head(struct buf *out, size_t size)
{
    msgpack_packer packer = packer_of(out);

    assert(size <= UINT32_MAX);
    (void)msgpack_pack_bin(&packer, size);
}

void pack_bytes(struct buf *out, struct span bytes)
{
    pack_bytes_head(out, bytes.size);
    buf_append_span(out, bytes);
}

void pack_list(struct buf *out, uint32_t count)
{
    msgpack_packer packer = packer_of(out);

    (void)msgpack_pack_array(&packer, count);
}

void pack_map(struct buf *out, uint32_t count)
{
    msgpack_packer packer = packer_of(out);

    (void)msgpack_pack_map(&packer, count);
}
