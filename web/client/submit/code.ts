// This file is where the spec's text is edited: JSON with completion, and what is wrong marked.

import { json, jsonParseLinter } from "@codemirror/lang-json";
import { autocompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { linter, type Diagnostic } from "@codemirror/lint";
import { Compartment } from "@codemirror/state";
import { EditorView, basicSetup } from "codemirror";

/** Its style sheet goes into a shadow root: a page's policy lets no inline style be. */
export class Code {
  readonly #view: EditorView;
  readonly #server = new Compartment();

  constructor(place: HTMLElement, text: string, words: () => readonly string[], changed: (text: string) => void) {
    const root = place.attachShadow({ mode: "open" });
    const inner = root.appendChild(document.createElement("div"));
    this.#view = new EditorView({
      doc: text,
      parent: inner,
      root,
      extensions: [
        basicSetup,
        json(),
        linter((view) => (view.state.doc.length ? jsonParseLinter()(view) : [])),
        this.#server.of([]),
        autocompletion({ override: [(context) => complete(context, words())] }),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "Spec as JSON" }),
        EditorView.theme({
          "&": { backgroundColor: "var(--code)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "0.55rem" },
          ".cm-scroller": { fontFamily: "ui-monospace, monospace", fontSize: "0.85rem", lineHeight: "1.5", minHeight: "9rem" },
          ".cm-gutters": { backgroundColor: "var(--code)", color: "var(--soft)", border: "none" },
          ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
          ".cm-cursor": { borderLeftColor: "var(--ink)" },
          ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--ink)" },
          ".cm-content span": { color: "inherit" },
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed(update.state.doc.toString());
        }),
      ],
    });
  }

  get focused(): boolean {
    return this.#view.hasFocus;
  }

  set text(text: string) {
    if (text === this.#view.state.doc.toString()) return;
    this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
  }

  /** Marks what the server said is wrong: texts of the spec, and a place in each. */
  mark(said: readonly { readonly line: string; readonly at: number; readonly message: string }[]): void {
    const doc = this.#view.state.doc.toString();
    const found: Diagnostic[] = [];
    for (const { line, at, message } of said) {
      const start = doc.indexOf(JSON.stringify(line));
      if (start < 0) continue;
      const from = Math.min(start + 1 + JSON.stringify(line.slice(0, at)).length - 2, doc.length);
      found.push({ from, to: Math.min(from + 1, doc.length), severity: "error", message });
    }
    this.#view.dispatch({ effects: this.#server.reconfigure(linter(() => found)) });
  }
}

/** Words that begin as what stands before the cursor. */
function complete(context: CompletionContext, words: readonly string[]): CompletionResult | null {
  const word = context.matchBefore(/[\w$]+/u);
  if (!word && !context.explicit) return null;
  return { from: word?.from ?? context.pos, options: words.map((label) => ({ label })), validFor: /^[\w$]*$/u };
}
