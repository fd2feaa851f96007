-- The ten functions of uuid-ossp in SQL, for servers that were built without a UUID library.
-- https://www.postgresql.org/docs/current/uuid-ossp.html, https://www.rfc-editor.org/rfc/rfc9562
-- No function calls another of this file: the extension has to stay relocatable.

CREATE FUNCTION uuid_nil() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT '00000000-0000-0000-0000-000000000000'::uuid $$;

CREATE FUNCTION uuid_ns_dns() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid $$;

CREATE FUNCTION uuid_ns_url() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid $$;

CREATE FUNCTION uuid_ns_oid() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid $$;

CREATE FUNCTION uuid_ns_x500() RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid $$;

CREATE FUNCTION uuid_generate_v4() RETURNS uuid
LANGUAGE sql VOLATILE STRICT PARALLEL SAFE
AS $$ SELECT gen_random_uuid() $$;

-- Time in steps of 100 ns since 1582-10-15, then 14 random bits and a random node with the multicast
-- bit: the server's MAC address is nothing that SQL can see, so v1 is made like v1mc.
CREATE FUNCTION uuid_generate_v1mc() RETURNS uuid
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $$
DECLARE
    ticks bigint := (extract(epoch FROM clock_timestamp()) * 10000000)::bigint + 122192928000000000;
    noise bytea := uuid_send(gen_random_uuid());
    field text := lpad(to_hex(ticks), 16, '0');
BEGIN
    noise := set_byte(noise, 0, (get_byte(noise, 0) & 63) | 128);
    noise := set_byte(noise, 10, get_byte(noise, 10) | 1);
    RETURN (substr(field, 9, 8) || substr(field, 5, 4) || '1' || substr(field, 2, 3)
        || encode(substr(noise, 1, 2), 'hex') || encode(substr(noise, 11, 6), 'hex'))::uuid;
END
$$;

CREATE FUNCTION uuid_generate_v1() RETURNS uuid
LANGUAGE plpgsql VOLATILE STRICT PARALLEL SAFE
AS $$
DECLARE
    ticks bigint := (extract(epoch FROM clock_timestamp()) * 10000000)::bigint + 122192928000000000;
    noise bytea := uuid_send(gen_random_uuid());
    field text := lpad(to_hex(ticks), 16, '0');
BEGIN
    noise := set_byte(noise, 0, (get_byte(noise, 0) & 63) | 128);
    noise := set_byte(noise, 10, get_byte(noise, 10) | 1);
    RETURN (substr(field, 9, 8) || substr(field, 5, 4) || '1' || substr(field, 2, 3)
        || encode(substr(noise, 1, 2), 'hex') || encode(substr(noise, 11, 6), 'hex'))::uuid;
END
$$;

CREATE FUNCTION uuid_generate_v3(namespace uuid, name text) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    digest bytea := decode(md5(uuid_send(namespace) || convert_to(name, getdatabaseencoding())), 'hex');
BEGIN
    digest := set_byte(digest, 6, (get_byte(digest, 6) & 15) | 48);
    digest := set_byte(digest, 8, (get_byte(digest, 8) & 63) | 128);
    RETURN encode(digest, 'hex')::uuid;
END
$$;

-- SHA-1 by hand (https://www.rfc-editor.org/rfc/rfc3174): PostgreSQL's core has only SHA-2, and
-- pgcrypto may be missing too where this is needed. All bit operators have one and the same precedence.
CREATE FUNCTION uuid_generate_v5(namespace uuid, name text) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    mask CONSTANT bigint := 4294967295;
    message bytea := uuid_send(namespace) || convert_to(name, getdatabaseencoding());
    bit_count bigint := length(message) * 8;
    h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
    w bigint[];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; x bigint;
    start int;
BEGIN
    message := message || '\x80'::bytea;
    message := message || decode(repeat('00', (120 - length(message) % 64) % 64), 'hex') || int8send(bit_count);
    FOR block IN 0 .. length(message) / 64 - 1 LOOP
        FOR t IN 1 .. 16 LOOP
            start := block * 64 + (t - 1) * 4;
            w[t] := (get_byte(message, start)::bigint << 24) | (get_byte(message, start + 1)::bigint << 16)
                | (get_byte(message, start + 2)::bigint << 8) | get_byte(message, start + 3)::bigint;
        END LOOP;
        FOR t IN 17 .. 80 LOOP
            x := w[t - 3] # w[t - 8] # w[t - 14] # w[t - 16];
            w[t] := ((x << 1) | (x >> 31)) & mask;
        END LOOP;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        FOR t IN 1 .. 80 LOOP
            IF t <= 20 THEN
                f := (b & c) | ((~b) & mask & d); k := 1518500249;
            ELSIF t <= 40 THEN
                f := b # c # d; k := 1859775393;
            ELSIF t <= 60 THEN
                f := (b & c) | (b & d) | (c & d); k := 2400959708;
            ELSE
                f := b # c # d; k := 3395469782;
            END IF;
            x := ((((a << 5) | (a >> 27)) & mask) + f + e + k + w[t]) & mask;
            e := d; d := c; c := ((b << 30) | (b >> 2)) & mask; b := a; a := x;
        END LOOP;
        h := ARRAY[(h[1] + a) & mask, (h[2] + b) & mask, (h[3] + c) & mask, (h[4] + d) & mask, (h[5] + e) & mask];
    END LOOP;
    -- Version 5 in the seventh byte, the variant in the ninth.
    RETURN (lpad(to_hex(h[1]), 8, '0') || lpad(to_hex((h[2] & 4294905855) | 20480), 8, '0')
        || lpad(to_hex((h[3] & 1073741823) | 2147483648), 8, '0') || lpad(to_hex(h[4]), 8, '0'))::uuid;
END
$$;
