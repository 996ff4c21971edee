// Style and behaviour of the report's page.

const light = `--surface:#fcfcfb;--card:#ffffff;--ink:#0b0b0b;--quiet:#52514e;--grid:#e4e3dd;--dot:#2a78d6;--down:#138a60;--up:#d4561f;--move:#4a3aa7;--good:#0a7d0a;--bad:#c22f2f`;
const dark = `--surface:#1a1a19;--card:#232322;--ink:#ffffff;--quiet:#c3c2b7;--grid:#353533;--dot:#5a9eec;--down:#2bb583;--up:#e8743f;--move:#a79cf0;--good:#4cc14c;--bad:#f07070`;

export const style = `
:root{color-scheme:light dark;${light}}
@media (prefers-color-scheme:dark){:root{${dark}}}
*{box-sizing:border-box}
body{margin:0;background:var(--surface);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1040px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:26px;line-height:1.2;margin:0 0 4px}
h2{font-size:17px;margin:32px 0 6px}
.quiet{color:var(--quiet);font-weight:400;margin-top:0}
.verdict{padding:10px 14px;border-left:4px solid;background:var(--card);border-radius:4px;font-weight:600}
.verdict.good{border-color:var(--good);color:var(--good)}
.verdict.bad{border-color:var(--bad);color:var(--bad);list-style:none}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:16px 0}
.tile{background:var(--card);border:1px solid var(--grid);border-radius:8px;padding:12px 14px}
.tile .value{font-size:21px;font-weight:650}
.tile .name{color:var(--quiet);font-size:13px}
.scroll{overflow-x:auto}
.plot{min-width:640px;position:relative}
svg{display:block;width:100%;height:auto}
.grid{stroke:var(--grid);stroke-width:1;fill:none}
.tick{fill:var(--quiet);font-size:11px;font-variant-numeric:tabular-nums}
.band{fill:var(--move);opacity:.16}
.move{stroke:var(--move);stroke-width:1.5;fill:none}
.move-label{fill:var(--move);font-size:12px;font-weight:600}
.dots{stroke:var(--dot);stroke-width:4;stroke-linecap:round;fill:none;opacity:.75}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
.line.down{stroke:var(--down)}
.line.up{stroke:var(--up)}
.cursor{stroke:var(--quiet);stroke-width:1;fill:none}
.legend{color:var(--quiet);font-size:13px;margin:2px 0}
.key{display:inline-block;vertical-align:middle;width:16px;height:3px;border-radius:2px;margin:0 6px 2px 0}
.key:not(:first-child){margin-left:14px}
.key.dot{width:8px;height:8px;border-radius:50%;background:var(--dot)}
.key.swatch{height:12px;background:var(--move);opacity:.3}
.key.down{background:var(--down)}
.key.up{background:var(--up)}
table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
th{color:var(--quiet);font-weight:600}
.left{text-align:left}
td.left:last-child{white-space:normal}
#tip{position:fixed;pointer-events:none;background:var(--ink);color:var(--surface);font-size:12.5px;padding:4px 8px;border-radius:5px;white-space:nowrap}
`;

/** Shows the request that is nearest to the pointer. The page is complete without it. */
export const script = `
const tip = document.getElementById('tip');
for (const section of document.querySelectorAll('.client')) {
  const { duration, requests } = JSON.parse(section.querySelector('script').textContent);
  const svg = section.querySelector('svg[data-kind=latency]');
  const { width, height } = svg.viewBox.baseVal;
  const left = Number(svg.dataset.left), right = Number(svg.dataset.right);
  const cursor = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  cursor.setAttribute('class', 'cursor');
  svg.append(cursor);
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width * width - left) / (width - left - right) * duration;
    let number = 0;
    requests.forEach(([when], index) => { if (Math.abs(when - at) < Math.abs(requests[number][0] - at)) number = index; });
    const [when, latency] = requests[number];
    const x = left + when / duration * (width - left - right);
    cursor.setAttribute('d', 'M' + x + ' 22V' + (height - 24));
    tip.textContent = 'request ' + number + ', sent at ' + when + ' ms, answered after ' + latency + ' ms';
    tip.hidden = false;
    tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + 'px';
    tip.style.top = event.clientY + 16 + 'px';
  });
  svg.addEventListener('pointerleave', () => { tip.hidden = true; cursor.removeAttribute('d'); });
}
`;
