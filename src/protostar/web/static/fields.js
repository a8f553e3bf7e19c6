// The fields of forms: what stands in them, as the API takes it.

import { $$ } from "./dom.js";

export const fieldsOf = (form, name) => $$(`[name="${name}"]`, form);

export function valuesOf(form) {
  const names = new Set([...form.elements].map((field) => field.name).filter(Boolean));
  return Object.fromEntries([...names].map((name) => [name, valueOf(fieldsOf(form, name))]));
}

const linesOf = (field) => field.value.split("\n").map((line) => line.trim()).filter(Boolean);

// The origin that is meant by the address of a page, or by the name of a site alone; anything else is left for the server to refuse.
function originOf(line) {
  const address = /^[^/:]+\.\p{L}/u.test(line) ? `https://${line}` : line;
  if (!/^https?:/i.test(address)) return line;
  try {
    const { origin } = new URL(address);
    return origin.includes("%") ? line : origin; // no name of a site, as «*.example.com»
  } catch {
    return line;
  }
}

function valueOf(fields) {
  const [field] = fields;
  const kinds = {
    list: () => fields.filter((each) => each.checked).map((each) => each.value),
    lines: () => linesOf(field),
    origins: () => [...new Set(linesOf(field).map(originOf))],
    number: () => (field.value === "" ? null : Number(field.value)),
    colour: () => (field.dataset.unset === "true" ? null : field.value),
  };
  return (kinds[field.dataset.kind] ?? (() => field.value.trim()))();
}
