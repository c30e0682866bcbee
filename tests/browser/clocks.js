// This file is where every way to tell the time has a name: `clocks(names)` gives name → a function
// that begins to tick, calling `tick` each time it can, or reads a clock of the platform.

function clocks(tick) {
  const again = (schedule) => { const turn = () => { tick(); schedule(turn); }; schedule(turn); };
  const reading = (now) => {
    const first = now();
    if (typeof first !== "number" && typeof first !== "bigint") throw new TypeError("no clock");
    let last = first;
    again((turn) => setTimeout(turn));
    for (let spins = 0; spins < 2e6; spins++) { const at = now(); if (at !== last) { last = at; tick(); } }
  };
  const counter = (place) => {
    const text = "onmessage = ({ data }) => { for (;;) Atomics.add(data, 0, 1); }";
    const other = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
    other.postMessage(place);
    let last = 0;
    again((turn) => setTimeout(() => { for (const now = Atomics.load(place, 0); last < now && last < 1e4; last++) tick(); turn(); }));
  };
  return {
    "performance": () => reading(() => performance.now()),
    "date": () => reading(() => Date.now()),
    "date-new": () => reading(() => +new Date()),
    "temporal": () => reading(() => Temporal.Now.instant().epochNanoseconds),
    "time-origin": () => reading(() => performance.timeOrigin + performance.mark("x").startTime),
    "event": () => reading(() => new Event("x").timeStamp),
    "shared": () => counter(new Int32Array(new SharedArrayBuffer(4))),
    "shared-wasm": () => counter(new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer)),
    "wait": () => { const cell = new Int32Array(new SharedArrayBuffer(4)); again((turn) => { Atomics.wait(cell, 0, 0, 0.05); setTimeout(turn); }); },
    "wait-async": () => { const cell = new Int32Array(new SharedArrayBuffer(4)); again((turn) => void Atomics.waitAsync(cell, 0, 0, 0.05).value.then(turn)); },
    "message-channel": () => { const { port1, port2 } = new MessageChannel(); again((turn) => { port1.onmessage = turn; port2.postMessage(0); }); },
    "broadcast-channel": () => { const [one, other] = [new BroadcastChannel("t"), new BroadcastChannel("t")]; again((turn) => { one.onmessage = turn; other.postMessage(0); }); },
    "message-worker": () => { const one = new Worker(URL.createObjectURL(new Blob(["onmessage = () => postMessage(0)"]))); again((turn) => { one.onmessage = turn; one.postMessage(0); }); },
    "timeout": () => again((turn) => void setTimeout(turn)),
    "interval": () => void setInterval(tick),
    "immediate": () => again((turn) => setImmediate(turn)),
    "scheduler": () => again((turn) => void scheduler.postTask(turn)),
    "frame": () => again((turn) => requestAnimationFrame(turn)),
    "idle": () => again((turn) => requestIdleCallback(turn)),
    "request": () => again((turn) => void fetch("data:,").then(turn, turn)),
    "reader": () => again((turn) => { const one = new FileReader(); one.onload = turn; one.readAsText(new Blob(["x"])); }),
    "garbage": () => { const found = new FinalizationRegistry(tick); for (let n = 0; n < 1e5; n++) found.register({}); },
    "weak": () => { const one = new WeakRef({}); again((turn) => { one.deref(); setTimeout(turn); }); },
    "digest": () => again((turn) => void crypto.subtle.digest("SHA-256", new Uint8Array(1)).then(turn)),
    "abort": () => again((turn) => { AbortSignal.timeout(1).onabort = turn; }),
    "animation": () => again((turn) => void new Animation(new KeyframeEffect(null, null, 1)).finished.then(turn)),
    "console-time": () => console.timeStamp("x"),
    "stack": () => { if (!new Error().stack.includes("blob")) throw 0; tick(); },
  };
}
