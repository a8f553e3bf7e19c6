// What a form is refused for, said at the fields that are meant: under them, and read out with them.

import { $, $$, el } from "./dom.js";
import { told } from "./words.js";

// «name: …; origins.1: …»: by field, and by line of one that has many.
const NEXT = /; (?=[\w.]+: )/;
const AT = /^([\w.]+?)(?:\.(\d+))?: (.+)$/s;

// Gives what is no single field's. `sent`: the values by the names of their fields.
export function refuse(form, message, sent = {}) {
  const faults = new Map();
  const rest = new Set();
  for (const part of AT.test(message) ? message.split(NEXT) : [message]) {
    const [, name, line, sentence = part] = AT.exec(part) ?? [];
    const field = name && $(`.field [name="${name}"]`, form);
    if (!field) {
      rest.add(told(sentence));
      continue;
    }
    const value = line && sent[name]?.[line];
    const said = faults.get(field) ?? faults.set(field, new Set()).get(field);
    said.add(value ? `“${value}”: ${told(sentence)}` : told(sentence));
  }
  faults.forEach(mark);
  faults.keys().next().value?.focus();
  return [...rest].join(" ");
}

const idOf = (field) => `${field.id || field.name}-fault`;
const described = (field) => (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== idOf(field));

// An alert, too: a field that has the focus already is not read out anew.
function mark(said, field) {
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", [...described(field), idOf(field)].join(" "));
  field.closest(".field").append(el("p.error-text", { id: idOf(field), role: "alert" }, [...said].join("\n")));
}

export function forgive(form) {
  for (const field of $$(".field [aria-invalid]", form)) {
    document.getElementById(idOf(field)).remove();
    field.removeAttribute("aria-invalid");
    const left = described(field);
    if (left.length) field.setAttribute("aria-describedby", left.join(" "));
    else field.removeAttribute("aria-describedby");
  }
}
