/* page_style.c - what stands around a page's parts: its policy, its style, its script.
 *
 * Colours are told apart by people who see them otherwise: blue and vermilion with green, purple
 * and brown after Okabe and Ito (Color universal design, 2008), darker where text and thin lines on
 * white need it and lighter on black; no mark is told by its colour alone. */
#include <sodium.h>
#include <string.h>

#include "client/html.h"
#include "client/page.h"

static const char style[] =
    "\n:root{--bg:#fff;--ink:#1b1b1b;--dim:#595959;--grid:#e4e4e4;--axis:#767676;--p:#0072b2;"
    "--best:#b34700;--rest:#8c8c8c;--soft:#f4f5f6;--h0:#b34700;--h1:#0072b2;--h2:#00755a;"
    "--h3:#a3487d;--h4:#7a5200;--q1:#0d4787;--q2:#2a64a0;--q3:#4f7fae;--q4:#7f93ab}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#16181b;--ink:#e9e9e9;--dim:#b0b0b0;"
    "--grid:#2f3338;--axis:#8d9298;--p:#56b4e9;--best:#f0a020;--rest:#7d838a;--soft:#202327;"
    "--h0:#f0a020;--h1:#56b4e9;--h2:#35c79a;--h3:#e39bc6;--h4:#f0e442;--q1:#cfe3f7;--q2:#8fbbe6;"
    "--q3:#6a9dd0;--q4:#66798f}}\n"
    "@media print{:root{--bg:#fff;--ink:#000;--dim:#444;--grid:#ddd;--axis:#666;--p:#0072b2;"
    "--best:#b34700;--rest:#888;--soft:#fff;--h0:#b34700;--h1:#0072b2;--h2:#00755a;--h3:#a3487d;"
    "--h4:#7a5200;--q1:#0d4787;--q2:#2a64a0;--q3:#4f7fae;--q4:#7f93ab}"
    "figure,pre,tr{break-inside:avoid}h2{break-after:avoid}details:not([open]),nav{display:none}}\n"
    ":root{color-scheme:light dark}*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:1080px;padding:1rem 1.2rem 4rem;background:var(--bg);"
    "color:var(--ink);font:16px/1.5 system-ui,sans-serif}\n"
    "h1{font-size:1.7rem;margin:.6rem 0;overflow-wrap:anywhere}"
    "h2{font-size:1.25rem;margin:2.2rem 0 .5rem;border-top:1px solid "
    "var(--grid);padding-top:1rem}\n"
    ".state{font-size:.9rem;font-weight:600;border:1px solid var(--axis);border-radius:4px;"
    "padding:.1rem .45rem;vertical-align:middle}\n"
    "nav{font-size:.92rem}nav a{margin-right:1rem}a{color:var(--h1)}\n"
    "p{margin:.5rem 0;overflow-wrap:anywhere}.note,.legend{color:var(--dim);font-size:.92rem}\n"
    "dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:.1rem 1.5rem;"
    "margin:.8rem 0}dl div{display:flex;gap:.6rem}dt{color:var(--dim);min-width:6.2rem}"
    "dd{margin:0;overflow-wrap:anywhere;min-width:0}\n"
    ".counts{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.4rem;padding:0}"
    ".counts b{font-size:1.25rem}.value strong{font-size:1.5rem}\n"
    "pre{background:var(--soft);border:1px solid var(--grid);border-radius:4px;padding:.6rem .8rem;"
    "overflow-x:auto;font:.88rem/1.45 ui-monospace,monospace}\n"
    "figure{margin:.6rem 0}figcaption{font-weight:600;overflow-wrap:anywhere}"
    "svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif;fill:var(--ink)}\n"
    ".box{fill:none;stroke:var(--axis);stroke-width:1}.grid{stroke:var(--grid);fill:none}"
    ".tick{fill:var(--dim);font-size:11.5px}.name{font-size:12.5px}\n"
    ".halo{paint-order:stroke;stroke:var(--bg);stroke-width:3px}.axis{stroke:var(--axis);"
    "stroke-width:1.5}\n"
    ".p{fill:var(--p);fill-opacity:.55;stroke:var(--p);stroke-width:.8}.ring{fill:var(--bg)}"
    ".cross{stroke-width:1.8}.best{fill:var(--best);fill-opacity:1;stroke:var(--bg)}"
    ".p:hover,.mark:hover .bar{stroke:var(--ink);stroke-width:2}\n"
    ".so-far{fill:none;stroke:var(--best);stroke-width:2}\n"
    ".lc{fill:none;stroke:var(--rest);stroke-width:1;stroke-opacity:.6;stroke-linecap:round}"
    ".lc:hover{stroke:var(--ink);stroke-width:3;stroke-opacity:1}\n"
    ".dot{stroke-width:4}.h0,.h1,.h2,.h3,.h4{stroke-width:2.2;stroke-opacity:1}.h0{stroke:var(--h0)"
    ";stroke-width:3}"
    ".h1{stroke:var(--h1);stroke-dasharray:9 4}.h2{stroke:var(--h2);stroke-dasharray:3 3}"
    ".h3{stroke:var(--h3);stroke-dasharray:12 3 3 3}.h4{stroke:var(--h4);stroke-dasharray:6 2}\n"
    ".end{font-size:11.5px;font-weight:600}.t0{fill:var(--h0)}.t1{fill:var(--h1)}.t2{fill:var(--h2)"
    "}"
    ".t3{fill:var(--h3)}.t4{fill:var(--h4)}\n"
    ".pc{fill:none;stroke-linejoin:round;stroke-opacity:.75}.pc:hover{stroke:var(--ink);"
    "stroke-width:3.5;stroke-opacity:1}.q0{stroke:var(--best);stroke-width:2.4;background:var(--"
    "best)}"
    ".q1{stroke:var(--q1);stroke-width:1.6;background:var(--q1)}"
    ".q2{stroke:var(--q2);stroke-width:1.2;background:var(--q2)}"
    ".q3{stroke:var(--q3);stroke-width:.9;background:var(--q3)}"
    ".q4{stroke:var(--q4);stroke-width:.6;background:var(--q4)}\n"
    ".bar{fill:var(--p)}.whisker{stroke:var(--ink);stroke-width:2}\n"
    ".k{display:inline-block;width:1.6rem;vertical-align:middle}.k.q0{height:5px}.k.q1{height:4px}"
    ".k.q2{height:3px}.k.q3{height:2px}.k.q4{height:1px}"
    ".k-line,.k-best{color:var(--best)}.k-p{color:var(--p)}.legend "
    "span{margin-right:1.2rem;white-space:nowrap;display:inline-block}\n"
    ".slices{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:1rem}"
    ".slices>div{min-width:0}\n"
    "details{margin:.4rem 0}summary{cursor:pointer;color:var(--h1)}"
    ".wide{overflow:auto;max-height:70vh}\n"
    "table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums}"
    "caption{text-align:left;color:var(--dim)}"
    "th,td{padding:.15rem .6rem;border-bottom:1px solid var(--grid);text-align:left;"
    "max-width:28rem;overflow-wrap:anywhere}.n{text-align:right;white-space:nowrap}"
    ".list{max-width:60rem;min-width:26rem}\n"
    "thead th{position:sticky;top:0;background:var(--bg)}th button{all:unset;cursor:pointer;"
    "font-weight:600}th button:focus-visible{outline:2px solid var(--h1)}"
    "th[aria-sort=ascending] button::after{content:\" \\25b2\"}"
    "th[aria-sort=descending] button::after{content:\" \\25bc\"}\n";

/* Tables are sorted by a click on a column's name. Nothing is lost without it. */
static const char script[] =
    "\ndocument.querySelectorAll('table').forEach(function(table){"
    "table.querySelectorAll('thead th').forEach(function(head,at){"
    "var button=document.createElement('button');button.type='button';"
    "button.textContent=head.textContent;head.textContent='';head.appendChild(button);"
    "button.addEventListener('click',function(){"
    "var up=head.getAttribute('aria-sort')!=='ascending',body=table.tBodies[0],"
    "rows=Array.from(body.rows).map(function(row){var text=row.cells[at].textContent;"
    "return{row:row,text:text,number:text===''?NaN:Number(text.replace('\\u221e','Infinity'))}});"
    "rows.sort(function(a,b){var one=isNaN(a.number),other=isNaN(b.number),"
    "way=one&&other?a.text.localeCompare(b.text):one?1:other?-1:a.number-b.number;"
    "return up||one!==other?way:-way});"
    "table.querySelectorAll('thead th').forEach(function(each){each.removeAttribute('aria-sort')});"
    "head.setAttribute('aria-sort',up?'ascending':'descending');"
    "rows.forEach(function(each){body.appendChild(each.row)})})})});\n";

/* Nothing is loaded from anywhere, and no script runs but ours, which its hash names: so what
 * should get past html_text would still do nothing. */
static void put_policy(struct page *page)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char text[sodium_base64_ENCODED_LEN(sizeof(hash), sodium_base64_VARIANT_ORIGINAL)];

    (void)crypto_hash_sha256(hash, (const unsigned char *)script, sizeof(script) - 1);
    (void)sodium_bin2base64(text, sizeof(text), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
    buf_printf(page->out,
               "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
               "style-src 'unsafe-inline'; script-src 'sha256-%s'; base-uri 'none'; "
               "form-action 'none'\">\n",
               text);
}

void page_open(struct page *page)
{
    static const char *const parts[][2] = {
        {"best", "Best trial"},       {"history", "History"},       {"curves", "Learning curves"},
        {"scheduler", "Scheduler"},   {"importance", "Importance"}, {"slices", "Parameters"},
        {"parallel", "Side by side"}, {"trials", "Trials"},
    };

    buf_append_text(page->out,
                    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    put_policy(page);
    buf_append_text(page->out,
                    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                    "<title>");
    html_text(page->experiment->name, page->out);
    buf_append_text(page->out, "</title>\n<style>");
    buf_append_text(page->out, style);
    buf_append_text(page->out, "</style></head>\n<body>\n<nav>");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        buf_printf(page->out, "<a href=\"#%s\">%s</a> ", parts[i][0], parts[i][1]);
    buf_append_text(page->out, "</nav>\n<main>\n");
}

void page_close(struct page *page)
{
    buf_append_text(page->out, "</main>\n<script>");
    buf_append_text(page->out, script);
    buf_append_text(page->out, "</script>\n</body></html>\n");
}
