#include "common/number_shortest.h"

#include <cassert>
#include <charconv>

extern "C" size_t number_scientific(double number, int decimals, char *out, size_t room)
{
    std::to_chars_result result =
        decimals < 0
            ? std::to_chars(out, out + room, number, std::chars_format::scientific)
            : std::to_chars(out, out + room, number, std::chars_format::scientific, decimals);

    assert(result.ec == std::errc());
    return static_cast<size_t>(result.ptr - out);
}

extern "C" int number_from_text(const char *text, size_t size, double *out)
{
    double number;
    std::from_chars_result result = std::from_chars(text, text + size, number);

    if (result.ec == std::errc::result_out_of_range && result.ptr == text + size)
        return -1;
    if (result.ec != std::errc() || result.ptr != text + size)
        return 0;
    *out = number;
    return 1;
}
