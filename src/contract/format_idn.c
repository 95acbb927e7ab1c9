/* src/contract/format_idn.c - internationalised host names: Punycode (RFC 3492) and what IDNA 2008 lets stand in a
 * label (RFC 5891 section 4.2, RFC 5892 appendix A, the Bidi rule of RFC 5893) as one pattern for PCRE2, whose Unicode
 * tables know categories, scripts and directions. The lists below hold only what those do not tell: computed from the
 * Unicode data by the rules of RFC 5892, neighbouring ranges joined where nothing valid lies between. */
#include "contract/format_parts.h"
#include <string.h>

enum { BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST = 128 };

static uint32_t adapt(uint32_t delta, uint32_t count, bool first)
{
    uint32_t k = 0;
    delta = first ? delta / DAMP : delta / 2;
    delta += delta / count;
    for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE) delta /= BASE - T_MIN;
    return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static uint32_t threshold(uint32_t k, uint32_t bias)
{
    return k <= bias + T_MIN ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
}

static uint32_t digit_of(char c)
{
    if (pawl_is_digit(c)) return (uint32_t)(c - '0') + 26;
    return pawl_is_letter(c) ? (uint32_t)((c | 32) - 'a') : BASE;
}

/* One generalised variable-length number, added to *i. */
static bool decode_number(const char **p, const char *end, uint32_t bias, uint32_t *i)
{
    uint64_t weight = 1, sum = *i;
    for (uint32_t k = BASE;; k += BASE) {
        if (*p == end) return false;
        const uint32_t digit = digit_of(*(*p)++), t = threshold(k, bias);
        if (digit >= BASE) return false;
        sum += digit * weight;
        if (sum > 0x7fffffff) return false;
        if (digit < t) break;
        weight *= BASE - t;
        if (weight > 0x7fffffff) return false;
    }
    *i = (uint32_t)sum;
    return true;
}

uint32_t pawl_punycode_decode(struct pawl_str label, uint32_t code[PAWL_LABEL_MAX])
{
    const char *p = label.p, *end = label.p + label.n, *basic = end;
    uint32_t count = 0, n = FIRST, i = 0, bias = BIAS;
    if (label.n == 0 || label.n > PAWL_LABEL_MAX - 4) return 0;
    while (basic > label.p && basic[-1] != '-') basic--;
    for (; p < basic - 1; p++) code[count++] = (uint8_t)(*p >= 'A' && *p <= 'Z' ? *p | 32 : *p);
    if (basic > label.p) p = basic;
    if (p == end) return 0;
    while (p < end) {
        const uint32_t before = i;
        if (count == PAWL_LABEL_MAX || !decode_number(&p, end, bias, &i)) return 0;
        bias = adapt(i - before, count + 1, before == 0);
        n += i / (count + 1);
        i %= count + 1;
        if (n > 0x10ffff || (n >= 0xd800 && n <= 0xdfff)) return 0;
        memmove(code + i + 1, code + i, (count - i) * sizeof *code);
        code[i++] = n;
        count++;
    }
    return count;
}

static uint32_t digits_of(uint32_t q, uint32_t bias)
{
    uint32_t count = 1;
    for (uint32_t k = BASE;; k += BASE, count++) {
        const uint32_t t = threshold(k, bias);
        if (q < t) return count;
        q = (q - t) / (BASE - t);
    }
}

uint32_t pawl_punycode_length(const uint32_t *code, uint32_t n)
{
    uint32_t basic = 0, least = FIRST, bias = BIAS, delta = 0, length;
    if (n > PAWL_LABEL_MAX) return UINT32_MAX;
    for (uint32_t i = 0; i < n; i++) basic += code[i] < FIRST;
    length = basic + (basic > 0);
    for (uint32_t done = basic; done < n; delta++, least++) {
        uint32_t next = UINT32_MAX;
        for (uint32_t i = 0; i < n; i++)
            if (code[i] >= least && code[i] < next) next = code[i];
        delta += (next - least) * (done + 1); /* below 2^21 * 64: no overflow */
        least = next;
        for (uint32_t i = 0; i < n; i++) {
            if (code[i] < least) delta++;
            if (code[i] != least) continue;
            length += digits_of(delta, bias);
            bias = adapt(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
    }
    return length;
}

/* Letters, marks and digits that change when case is folded and compatibility taken away, and what else is listed as
 * disallowed among them. */
#define UNSTABLE                                                                                                 \
    "\\x{aa}-\\x{ba}\\x{133}\\x{140}\\x{149}\\x{17f}\\x{1c6}-\\x{1cc}\\x{1f3}\\x{2b0}-\\x{2b8}\\x{2e0}-\\x{2e4}" \
    "\\x{340}-\\x{341}\\x{343}-\\x{345}\\x{34f}\\x{374}\\x{37a}\\x{3d0}-\\x{3d6}\\x{3f0}-\\x{3f2}\\x{3f5}"       \
    "\\x{587}\\x{640}\\x{675}-\\x{678}\\x{7fa}\\x{958}-\\x{95f}\\x{9dc}-\\x{9df}\\x{a33}\\x{a36}"                \
    "\\x{a59}-\\x{a5b}\\x{a5e}\\x{b5c}-\\x{b5d}\\x{e33}\\x{eb3}\\x{edc}-\\x{edd}\\x{f43}\\x{f4d}\\x{f52}"        \
    "\\x{f57}\\x{f5c}\\x{f69}\\x{f73}\\x{f75}-\\x{f79}\\x{f81}\\x{f93}\\x{f9d}\\x{fa2}\\x{fa7}\\x{fac}\\x{fb9}"  \
    "\\x{10fc}\\x{1100}-\\x{11ff}\\x{13f8}-\\x{13fd}\\x{17b4}-\\x{17b5}\\x{180b}-\\x{180f}\\x{1c80}-\\x{1c88}"   \
    "\\x{1d2c}-\\x{1d2e}\\x{1d30}-\\x{1d3a}\\x{1d3c}-\\x{1d4d}\\x{1d4f}-\\x{1d6a}\\x{1d78}\\x{1d9b}-\\x{1dbf}"   \
    "\\x{1e9a}-\\x{1e9b}\\x{1f71}\\x{1f73}\\x{1f75}\\x{1f77}\\x{1f79}\\x{1f7b}\\x{1f7d}-\\x{1fa7}"               \
    "\\x{1fb2}-\\x{1fb4}\\x{1fb7}-\\x{1fc4}\\x{1fc7}\\x{1fd3}\\x{1fe3}\\x{1ff2}-\\x{1ff4}\\x{1ff7}-\\x{207f}"    \
    "\\x{2090}-\\x{2149}\\x{2c7c}-\\x{2c7d}\\x{2d6f}\\x{302e}-\\x{303b}\\x{309f}\\x{30ff}\\x{3131}-\\x{318e}"    \
    "\\x{a69c}-\\x{a69d}\\x{a770}\\x{a7f2}-\\x{a7f4}\\x{a7f8}-\\x{a7f9}\\x{a960}-\\x{a97c}\\x{ab5c}-\\x{ab5f}"   \
    "\\x{ab69}-\\x{abbf}\\x{d7b0}-\\x{fa0d}\\x{fa10}\\x{fa12}\\x{fa15}-\\x{fa1e}\\x{fa20}\\x{fa22}"              \
    "\\x{fa25}-\\x{fa26}\\x{fa2a}-\\x{fb1d}\\x{fb1f}-\\x{fe0f}\\x{fe70}-\\x{fe72}\\x{fe74}-\\x{ffdc}"            \
    "\\x{10781}-\\x{107ba}\\x{1d165}-\\x{1d244}\\x{1d41a}-\\x{1d7ff}\\x{1ee00}-\\x{1fbf9}\\x{2f800}-\\x{2fa1d}"  \
    "\\x{e0100}-\\x{e01ef}"

/* Characters that join to the next one (Joining_Type D, L), and those that join only to the one before (R). */
#define JOINS_LEFT                                                                                             \
    "\\x{620}\\x{626}\\x{628}\\x{62a}-\\x{62e}\\x{633}-\\x{63f}\\x{641}-\\x{647}\\x{649}-\\x{64a}"             \
    "\\x{66e}-\\x{66f}\\x{678}-\\x{687}\\x{69a}-\\x{6bf}\\x{6c1}-\\x{6c2}\\x{6cc}\\x{6ce}\\x{6d0}-\\x{6d1}"    \
    "\\x{6fa}-\\x{6fc}\\x{6ff}\\x{712}-\\x{714}\\x{71a}-\\x{71d}\\x{71f}-\\x{727}\\x{729}\\x{72b}"             \
    "\\x{72d}-\\x{72e}\\x{74e}-\\x{758}\\x{75c}-\\x{76a}\\x{76d}-\\x{770}\\x{772}\\x{775}-\\x{777}"            \
    "\\x{77a}-\\x{77f}\\x{7ca}-\\x{7ea}\\x{841}-\\x{845}\\x{848}\\x{84a}-\\x{853}\\x{855}\\x{860}"             \
    "\\x{862}-\\x{865}\\x{868}\\x{886}\\x{889}-\\x{88d}\\x{8a0}-\\x{8a9}\\x{8af}-\\x{8b0}\\x{8b3}-\\x{8b8}"    \
    "\\x{8ba}-\\x{8c8}\\x{1807}\\x{1820}-\\x{1878}\\x{1887}-\\x{18a8}\\x{18aa}\\x{a840}-\\x{a872}"             \
    "\\x{10ac0}-\\x{10ac4}\\x{10acd}\\x{10ad3}-\\x{10adc}\\x{10ade}-\\x{10ae0}\\x{10aeb}-\\x{10aee}\\x{10b80}" \
    "\\x{10b82}\\x{10b86}-\\x{10b88}\\x{10b8a}-\\x{10b8b}\\x{10b8d}\\x{10b90}\\x{10bad}-\\x{10bae}"            \
    "\\x{10d00}-\\x{10d21}\\x{10d23}\\x{10f30}-\\x{10f32}\\x{10f34}-\\x{10f44}\\x{10f51}-\\x{10f53}"           \
    "\\x{10f70}-\\x{10f73}\\x{10f76}-\\x{10f81}\\x{10fb0}\\x{10fb2}-\\x{10fb3}\\x{10fb8}\\x{10fbb}-\\x{10fbc}" \
    "\\x{10fbe}-\\x{10fbf}\\x{10fc1}\\x{10fc4}\\x{10fca}-\\x{10fcb}\\x{1e900}-\\x{1e943}"

#define JOINS_RIGHT                                                                                           \
    "\\x{622}-\\x{625}\\x{627}\\x{629}\\x{62f}-\\x{632}\\x{648}\\x{671}-\\x{673}\\x{675}-\\x{677}"            \
    "\\x{688}-\\x{699}\\x{6c0}\\x{6c3}-\\x{6cb}\\x{6cd}\\x{6cf}\\x{6d2}-\\x{6d3}\\x{6d5}\\x{6ee}-\\x{6ef}"    \
    "\\x{710}\\x{715}-\\x{719}\\x{71e}\\x{728}\\x{72a}\\x{72c}\\x{72f}\\x{74d}\\x{759}-\\x{75b}"              \
    "\\x{76b}-\\x{76c}\\x{771}\\x{773}-\\x{774}\\x{778}-\\x{779}\\x{840}\\x{846}-\\x{847}\\x{849}\\x{854}"    \
    "\\x{856}-\\x{858}\\x{867}\\x{869}-\\x{882}\\x{88e}\\x{8aa}-\\x{8ac}\\x{8ae}\\x{8b1}-\\x{8b2}\\x{8b9}"    \
    "\\x{10ac5}\\x{10ac7}\\x{10ac9}-\\x{10aca}\\x{10ace}-\\x{10ad2}\\x{10add}\\x{10ae1}\\x{10ae4}\\x{10aef}"  \
    "\\x{10b81}\\x{10b83}-\\x{10b85}\\x{10b89}\\x{10b8c}\\x{10b8e}-\\x{10b8f}\\x{10b91}\\x{10ba9}-\\x{10bac}" \
    "\\x{10d22}\\x{10f33}\\x{10f54}\\x{10f74}-\\x{10f75}\\x{10fb4}-\\x{10fb6}\\x{10fb9}-\\x{10fba}\\x{10fbd}" \
    "\\x{10fc2}-\\x{10fc3}\\x{10fc9}"

/* Canonical combining class 9. */
#define VIRAMA                                                                                                  \
    "\\x{94d}\\x{9cd}\\x{a4d}\\x{acd}\\x{b4d}\\x{bcd}\\x{c4d}\\x{ccd}\\x{d3b}-\\x{d3c}\\x{d4d}\\x{dca}\\x{e3a}" \
    "\\x{eba}\\x{f84}\\x{1039}-\\x{103a}\\x{1714}-\\x{1715}\\x{1734}\\x{17d2}\\x{1a60}\\x{1b44}"                \
    "\\x{1baa}-\\x{1bab}\\x{1bf2}-\\x{1bf3}\\x{2d7f}\\x{a806}\\x{a82c}\\x{a8c4}\\x{a953}\\x{a9c0}\\x{aaf6}"     \
    "\\x{abed}\\x{10a3f}\\x{11046}\\x{11070}\\x{1107f}\\x{110b9}\\x{11133}-\\x{11134}\\x{111c0}\\x{11235}"      \
    "\\x{112ea}\\x{1134d}\\x{11442}\\x{114c2}\\x{115bf}\\x{1163f}\\x{116b6}\\x{1172b}\\x{11839}"                \
    "\\x{1193d}-\\x{1193e}\\x{119e0}\\x{11a34}\\x{11a47}\\x{11a99}\\x{11c3f}\\x{11d44}-\\x{11d45}\\x{11d97}"

#define NEUTRAL "\\p{bc:EN}\\p{bc:ES}\\p{bc:CS}\\p{bc:ET}\\p{bc:ON}\\p{bc:BN}\\p{bc:NSM}"
#define RIGHT "\\p{bc:R}\\p{bc:AL}"

/* In pieces, for no compiler has to take a string as long as the whole. */
static const char *const label_pattern[] = {
    "^(?![\\-\\p{M}])(?!..--)(?!.*-$)",
    /* KATAKANA MIDDLE DOT wants company; the two kinds of Arabic digits do not mix */
    "(?:(?!.*\\x{30fb})|(?=.*[\\p{sc:Hiragana}\\p{sc:Katakana}\\p{sc:Han}]))",
    "(?!.*[\\x{660}-\\x{669}].*[\\x{6f0}-\\x{6f9}])(?!.*[\\x{6f0}-\\x{6f9}].*[\\x{660}-\\x{669}])",
    /* the Bidi rule, where anything is written from right to left */
    "(?:(?!.*[" RIGHT "\\p{bc:AN}])|(?=[" RIGHT "][" RIGHT NEUTRAL "\\p{bc:AN}]*$)",
    "(?=.*[" RIGHT "\\p{bc:EN}\\p{bc:AN}]\\p{bc:NSM}*$)(?!.*\\p{bc:EN}.*\\p{bc:AN})(?!.*\\p{bc:AN}.*\\p{bc:EN}))",
    /* ZERO WIDTH NON-JOINER between letters that would join */
    "(?:[" JOINS_LEFT "](?<![" UNSTABLE "])(?:\\p{Mn}(?<![" UNSTABLE "]))*+\\x{200c}(?=\\p{Mn}*[",
    JOINS_LEFT JOINS_RIGHT "])",
    /* what is valid anywhere */
    "|[\\-\\p{Ll}\\p{Lo}\\p{Lm}\\p{Mn}\\p{Mc}\\p{Nd}\\x{6fd}\\x{6fe}\\x{f0b}\\x{3007}\\x{13a0}-\\x{13ef}]",
    "(?<![" UNSTABLE "\\x{660}-\\x{669}\\x{6f0}-\\x{6f9}])",
    /* and what is in a certain company */
    "|(?<=[" VIRAMA "])[\\x{200c}\\x{200d}]|[\\x{660}-\\x{669}\\x{6f0}-\\x{6f9}]",
    "|(?<=l)\\x{b7}(?=l)|\\x{375}(?=\\p{sc:Greek})|(?<=\\p{sc:Hebrew})[\\x{5f3}\\x{5f4}]|\\x{30fb})+$",
};

int pawl_format_label(struct pawl_arena *a, struct pawl_regex **out)
{
    struct pawl_buf b;
    *out = NULL;
    pawl_buf_init_arena(&b, a);
    for (size_t i = 0; i < sizeof label_pattern / sizeof *label_pattern; i++) pawl_buf_text(&b, label_pattern[i]);
    const struct pawl_str whole = pawl_buf_done(&b);
    return whole.p ? pawl_regex_compile_native(whole, a, out, NULL) : PAWL_ENOMEM;
}

/* One character of UTF-8 (valid, or the text is none of ours and is only kept from being read beyond). */
static uint32_t next(const char **p, const char *end)
{
    const uint8_t c = (uint8_t) * (*p)++;
    const uint32_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
    uint32_t code = more == 3 ? c & 7u : more == 2 ? c & 15u : more == 1 ? c & 31u : c;
    for (uint32_t i = 0; i < more && *p < end; i++) code = code << 6 | ((uint8_t) * (*p)++ & 0x3fu);
    return code;
}

static uint32_t encode(uint32_t c, char *to)
{
    if (c < 0x80) return to[0] = (char)c, 1;
    const uint32_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t head[] = {0, 0xc0, 0xe0, 0xf0};
    to[0] = (char)(head[more] | c >> (6 * more));
    for (uint32_t i = 1; i <= more; i++) to[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3f));
    return more + 1;
}

/* The length it has as an A-label into *length. */
static int is_u_label(const uint32_t *code, uint32_t n, const struct pawl_regex *label, struct pawl_regex_run *run,
                      uint32_t *length)
{
    char text[PAWL_LABEL_MAX * 4];
    uint32_t bytes = 0;
    *length = pawl_punycode_length(code, n);
    if (*length > PAWL_LABEL_MAX - 4) return PAWL_EINVAL;
    *length += 4;
    for (uint32_t i = 0; i < n; i++) bytes += encode(code[i], text + bytes);
    const int rc = pawl_regex_match(label, (struct pawl_str){text, bytes}, run);
    return rc == PAWL_ENOTFOUND ? PAWL_EINVAL : rc;
}

static int is_idn_label(const uint32_t *code, uint32_t n, const struct pawl_regex *label, struct pawl_regex_run *run,
                        uint32_t *length)
{
    uint32_t decoded[PAWL_LABEL_MAX];
    char text[PAWL_LABEL_MAX];
    uint32_t ascii = 0;
    while (ascii < n && code[ascii] < 0x80) ascii++;
    if (n == 0) return PAWL_EINVAL;
    if (ascii < n) return is_u_label(code, n, label, run, length);
    for (uint32_t i = 0; i < n; i++) text[i] = (char)code[i];
    *length = n;
    if (!pawl_format_hostname((struct pawl_str){text, n}) || memchr(text, '.', n)) return PAWL_EINVAL;
    if (n < 4 || text[2] != '-' || text[3] != '-') return PAWL_OK;
    const uint32_t count = pawl_punycode_decode((struct pawl_str){text + 4, n - 4}, decoded);
    if ((text[0] | 32) != 'x' || (text[1] | 32) != 'n' || count == 0) return PAWL_EINVAL;
    return is_u_label(decoded, count, label, run, length);
}

int pawl_format_idn_hostname(struct pawl_str t, const struct pawl_regex *label, struct pawl_regex_run *run)
{
    const char *p = t.p, *end = t.p + t.n;
    uint32_t code[PAWL_LABEL_MAX], n = 0, length, whole = 0;
    int rc;
    for (;;) {
        const uint32_t c = p < end ? next(&p, end) : UINT32_MAX;
        const bool ends = c == UINT32_MAX || c == '.' || c == 0x3002 || c == 0xff0e || c == 0xff61;
        if (!ends) {
            if (n == PAWL_LABEL_MAX) return PAWL_EINVAL;
            code[n++] = c;
            continue;
        }
        if ((rc = is_idn_label(code, n, label, run, &length)) != PAWL_OK) return rc;
        whole += length + (c != UINT32_MAX);
        if (whole > PAWL_HOSTNAME_MAX) return PAWL_EINVAL;
        if (c == UINT32_MAX) return PAWL_OK;
        n = 0;
    }
}

int pawl_format_idn_email(struct pawl_str t, const struct pawl_regex *label, struct pawl_regex_run *run)
{
    const char *at = pawl_format_local_part(t, true);
    if (!at) return PAWL_EINVAL;
    const struct pawl_str domain = {at + 1, t.n - (uint32_t)(at + 1 - t.p)};
    if (domain.n > 0 && domain.p[0] == '[') return pawl_format_address_literal(domain) ? PAWL_OK : PAWL_EINVAL;
    return pawl_format_idn_hostname(domain, label, run);
}
