// This file is where a spec is a form, made from its job type's JSON Schema.

import { JSONEditor } from "@json-editor/json-editor";

type Value = Record<string, unknown>;

/** Alternatives as a whole are the server's to check: the form shows every field. */
const ALTERNATIVES = new Set(["oneOf", "anyOf", "allOf", "not", "$schema"]);

function shown(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(shown);
  if (typeof schema !== "object" || schema === null) return schema;
  const whole = "properties" in schema;
  const kept = Object.entries(schema).filter(([key]) => !(whole && ALTERNATIVES.has(key)));
  return Object.fromEntries(kept.map(([key, value]) => [key, shown(value)]));
}

/** What a form shows for a spec that was not begun. */
export class Form {
  readonly #editor: JSONEditor<Value>;
  #ready = false;
  #last = "";

  constructor(place: HTMLElement, schema: object, spec: Value | null, changed: (spec: Value) => void) {
    this.#editor = new JSONEditor<Value>(place, {
      schema: { ...(shown(schema) as object), title: "Its fields" },
      ...(spec ? { startval: spec } : {}),
      theme: "html",
      disable_theme_rules: true,
      disable_collapse: true,
      disable_edit_json: true,
      disable_properties: true,
      display_required_only: false,
      no_additional_properties: true,
      remove_empty_properties: true,
      required_by_default: false,
      show_opt_in: true,
      show_errors: "interaction",
      ajax: false,
    });
    this.#editor.on("ready", () => {
      this.#last = JSON.stringify(this.#editor.getValue());
      this.#ready = true;
    });
    this.#editor.on("change", () => {
      const value = this.#editor.getValue();
      const text = JSON.stringify(value);
      if (!this.#ready || text === this.#last) return;
      this.#last = text;
      changed(value);
    });
  }

  set spec(spec: Value) {
    if (!this.#ready || JSON.stringify(spec) === this.#last) return;
    this.#last = JSON.stringify(spec);
    this.#editor.setValue(spec);
    this.#last = JSON.stringify(this.#editor.getValue());
  }
}
