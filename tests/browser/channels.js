// This file is where every way out that the platform lists has a name and an attempt.
//
// `channels(mark, ports)` gives name → attempt; `mark(name)` is the address at which its arrival is
// seen. `readable(ports)` gives name → attempt to read what the host page, or its browser, keeps.
// Both are tried in a plain page, in the sandboxed frame, in Web Workers, and by job code.

function channels(mark, ports) {
  const element = (tag, values, name) => {
    const made = document.createElement(tag);
    Object.assign(made, values(mark(name)));
    document.body.append(made);
  };
  const head = (rel, name, further = {}) => {
    const link = Object.assign(document.createElement("link"), { rel, href: mark(name), ...further });
    document.head.append(link);
  };
  const style = (text) => {
    const made = document.createElement("style");
    made.textContent = text;
    document.head.append(made);
    document.body.append(Object.assign(document.createElement("p"), { className: "probe", textContent: "x" }));
  };
  const worker = (text) => new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  const ask = (url) => `fetch(${JSON.stringify(url)}, { mode: "no-cors" })`;
  const made = {
    "fetch": () => fetch(mark("fetch"), { mode: "no-cors" }),
    "fetch-cors": () => fetch(mark("fetch-cors")),
    "fetch-credentials": () => fetch(mark("fetch-credentials"), { mode: "no-cors", credentials: "include" }),
    "fetch-post": () => fetch(mark("fetch-post"), { method: "POST", mode: "no-cors", body: "x" }),
    "fetch-keepalive": () => fetch(mark("fetch-keepalive"), { method: "POST", mode: "no-cors", keepalive: true, body: "x" }),
    "fetch-later": () => fetchLater(mark("fetch-later"), { activateAfter: 0 }),
    "request-stream": () => fetch(new Request(mark("request-stream"), { mode: "no-cors" })),
    "xhr": () => { const x = new XMLHttpRequest(); x.open("GET", mark("xhr")); x.send(); },
    "xhr-sync": () => { const x = new XMLHttpRequest(); x.open("GET", mark("xhr-sync"), false); x.send(); },
    "socket": () => new WebSocket(mark("socket").replace("http", "ws")),
    "socket-stream": () => new WebSocketStream(mark("socket-stream").replace("http", "ws")),
    "transport": () => new WebTransport(`https://127.0.0.1:${ports.transport}/transport`),
    "event-source": () => new EventSource(mark("event-source")),
    "beacon": () => navigator.sendBeacon(mark("beacon"), "x"),
    "import": () => import(mark("import")),
    "import-data": () => import(`data:text/javascript,${encodeURIComponent(ask(mark("import-data")))}`),
    "import-blob": () => import(URL.createObjectURL(new Blob([ask(mark("import-blob"))], { type: "text/javascript" }))),
    "import-json": () => (0, eval)(`import(${JSON.stringify(mark("import-json"))}, { with: { type: "json" } })`),
    "import-scripts": () => importScripts(mark("import-scripts")),
    "worker": () => new Worker(mark("worker")),
    "worker-module": () => new Worker(mark("worker-module"), { type: "module" }),
    "worker-nested": () => worker(ask(mark("worker-nested"))),
    "worker-nested-script": () => worker(`importScripts(${JSON.stringify(mark("worker-nested-script"))})`),
    "shared-worker": () => new SharedWorker(mark("shared-worker")),
    "service-worker": () => navigator.serviceWorker.register(mark("service-worker"), { scope: "/leak/" }),
    "font": () => new FontFace("probe", `url(${mark("font")})`).load(),
    "rtc": () => {
      const peer = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${ports.rtc}` }] });
      peer.createDataChannel("x");
      return peer.createOffer().then((offer) => peer.setLocalDescription(offer));
    },
    "background-fetch": () => navigator.serviceWorker.ready.then((one) => one.backgroundFetch.fetch("x", mark("background-fetch"))),
    "cache-add": () => caches.open("x").then((one) => one.add(mark("cache-add"))),
    "function": () => (() => 0).constructor(ask(mark("function")))(),
    "function-async": () => (async () => 0).constructor(ask(mark("function-async")))(),
    "function-generator": () => (function* () {}).constructor(ask(mark("function-generator")))().next(),
    "function-of-array": () => [].constructor.constructor(ask(mark("function-of-array")))(),
    "function-of-error": () => { try { null.x; } catch (e) { e.constructor.constructor(ask(mark("function-of-error")))(); } },
    "eval": () => (0, eval)(ask(mark("eval"))),
    "timeout-text": () => setTimeout(ask(mark("timeout-text"))),
    "stack-trace": () => {
      Error.prepareStackTrace = (_, frames) => frames.map((one) => one.getFunction?.() ?? one.getThis?.());
      const { stack } = new Error();
      delete Error.prepareStackTrace;
      for (const one of stack) one.constructor.constructor(ask(mark("stack-trace")))();
    },
    "pollution": () => {
      Object.prototype.then = function () { (0, eval)(ask(mark("pollution"))); };
      (async () => ({}))();
      delete Object.prototype.then;
    },
    "pollution-toJSON": () => {
      Object.prototype.toJSON = () => ask(mark("pollution-toJSON"));
      const text = JSON.stringify({});
      delete Object.prototype.toJSON;
      if (text.includes("leak")) (0, eval)(JSON.parse(text));
    },
    "message-to-parent": () => { parent.postMessage({ grid: mark("message-to-parent") }, "*"); },
    "speech": () => Object.assign(new SpeechSynthesisUtterance(mark("speech"))) && null,
    "paint-worklet": () => CSS.paintWorklet.addModule(mark("paint-worklet")),
    "audio-worklet": () => new AudioContext().audioWorklet.addModule(mark("audio-worklet")),
    "notification": () => new Notification("x", { icon: mark("notification") }),
    "payment": () => new PaymentRequest([{ supportedMethods: mark("payment") }], { total: { label: "x", amount: { currency: "EUR", value: "1" } } }).canMakePayment(),
    "image": () => { new Image().src = mark("image"); },
    "image-css": () => style(`.probe { background: url(${mark("image-css")}) }`),
    "style-import": () => style(`@import url(${mark("style-import")});`),
    "image-svg": () => element("div", (url) => ({ innerHTML: `<svg><image href="${url}"/></svg>` }), "image-svg"),
    "script": () => element("script", (src) => ({ src }), "script"),
    "iframe": () => element("iframe", (src) => ({ src }), "iframe"),
    "object": () => element("object", (data) => ({ data }), "object"),
    "embed": () => element("embed", (src) => ({ src }), "embed"),
    "audio": () => element("audio", (src) => ({ src, preload: "auto" }), "audio"),
    "video-poster": () => element("video", (poster) => ({ poster }), "video-poster"),
    "track": () => element("video", (url) => ({ innerHTML: `<track default src="${url}">` }), "track"),
    "input-image": () => element("input", (src) => ({ type: "image", src }), "input-image"),
    "stylesheet": () => head("stylesheet", "stylesheet"),
    "preload": () => head("preload", "preload", { as: "script" }),
    "prefetch": () => head("prefetch", "prefetch"),
    "module-preload": () => head("modulepreload", "module-preload"),
    "icon": () => head("icon", "icon"),
    "manifest": () => head("manifest", "manifest"),
    "preconnect": () => head("preconnect", "preconnect", { href: `http://127.0.0.1:${ports.preconnect}/` }),
    "speculation": () => element("script", (url) => ({ type: "speculationrules", textContent: JSON.stringify({ prefetch: [{ source: "list", urls: [url] }] }) }), "speculation"),
    "ping": () => { const a = Object.assign(document.createElement("a"), { href: "#", ping: mark("ping") }); document.body.append(a); a.click(); },
    "form": () => { const f = Object.assign(document.createElement("form"), { action: mark("form"), target: "_blank" }); document.body.append(f); f.submit(); },
    "form-frame": () => { const f = Object.assign(document.createElement("form"), { action: mark("form-frame"), target: "inner" }); document.body.append(Object.assign(document.createElement("iframe"), { name: "inner" }), f); f.submit(); },
    "open": () => { if (!open(mark("open"))) throw new Error("refused"); },
    "top": () => { if (top === self) throw new Error("itself"); top.location.href = mark("top"); },
    "refresh": () => element("iframe", (url) => ({ srcdoc: `<meta http-equiv="refresh" content="0;url=${url}">` }), "refresh"),
    "srcdoc": () => element("iframe", (url) => ({ srcdoc: `<script>${ask(url)}</` + "script>" }), "srcdoc"),
  };
  return made;
}

function readable(ports) {
  const opened = () => new Promise((yes, no) => {
    const asked = indexedDB.open("secret");
    asked.onsuccess = yes; asked.onerror = no; asked.onblocked = no;
  });
  const heard = () => new Promise((yes, no) => {
    new BroadcastChannel("secret").onmessage = yes; setTimeout(no, 300);
  });
  return {
    "cookie": () => { if (!document.cookie.includes("secret")) throw 0; },
    "cookie-store": () => cookieStore.getAll().then((all) => { if (all.length === 0) throw 0; }),
    "local-storage": () => localStorage.length,
    "session-storage": () => sessionStorage.length,
    "databases": opened,
    "caches": () => caches.keys().then((keys) => { if (!keys.includes("secret")) throw 0; }),
    "files": () => navigator.storage.getDirectory(),
    "locks": () => navigator.locks.request("secret", () => 0),
    "channel": heard,
    "parent-document": () => parent !== self && parent.document.title,
    "parent-location": () => parent !== self && parent.location.href,
    "referrer": () => { if (!document.referrer) throw 0; },
    "origin": () => { if (origin === "null") throw 0; },
    "clipboard": () => navigator.clipboard.readText(),
    "geolocation": () => new Promise((yes, no) => navigator.geolocation.getCurrentPosition(yes, no)),
    "ancestors": () => { if (!location.ancestorOrigins?.length) throw 0; },
  };
}

// The names of those that succeed within a second; some never end.
async function tried(attempts) {
  const worked = await Promise.all(Object.keys(attempts).map(async (name) => {
    const late = new Promise((_, no) => setTimeout(no, 1000));
    try { await Promise.race([attempts[name](), late]); return name; } catch { return null; }
  }));
  return worked.filter((name) => name !== null);
}
