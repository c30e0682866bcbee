// This file is where each clock ticks in a Web Worker of its own, for so many milliseconds: gives
// "name:ticks" of each. `source` is the text of clocks.js.

async function measured(source, watchedMs) {
  const counted = (name) => `${source};
    let n = 0;
    const began = Date.now();
    const say = () => { postMessage(n); close(); };
    const tick = () => { n++; if (Date.now() - began > ${watchedMs}) say(); };
    setTimeout(say, ${watchedMs});
    try { clocks(tick)[${JSON.stringify(name)}](); } catch { say(); }`;
  const ticks = (name) => new Promise((yes) => {
    const blob = new Blob([counted(name)], { type: "text/javascript" });
    const one = new Worker(URL.createObjectURL(blob));
    one.onmessage = ({ data }) => yes(`${name}:${data}`);
    one.onerror = () => yes(`${name}:0`);
  });
  const said = [];
  for (const name of Object.keys(new Function(`${source}; return clocks(() => 0);`)())) said.push(await ticks(name));
  return said;
}
