// The words of scripts: English in the code, a catalogue of Korean beside it.

import korean from "./words-ko.json" with { type: "json" }; // for English too: a module that waited for it would run after the page is ready

const language = document.documentElement.lang;
const catalogue = language === "ko" ? korean : {};

const filled = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

export const t = (sentence, values = {}) => filled(catalogue[sentence] ?? sentence, values);

// A finished sentence of the server: one with braces in the catalogue is recognised whatever stands in them, and that is said too.
export function told(sentence) {
  if (catalogue[sentence]) return catalogue[sentence];
  for (const [known, said] of Object.entries(catalogue)) {
    if (!known.includes("{")) continue;
    const pattern = known.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{(\w+)\}/g, "(?<$1>.+)");
    const match = new RegExp(`^${pattern}$`, "s").exec(sentence);
    if (match) return filled(said, Object.fromEntries(Object.entries(match.groups).map(([name, value]) => [name, t(value)])));
  }
  return sentence;
}

const numbers = new Intl.NumberFormat(language);
export const number = (value) => numbers.format(value);

export function size(bytes) {
  let [value, unit] = [bytes, "B"];
  for (const larger of ["KB", "MB", "GB", "TB"]) {
    if (value < 1000) break;
    [value, unit] = [value / 1024, larger];
  }
  return `${unit === "B" || value >= 10 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}

const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const day = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
const moment = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "medium" });

// How long ago within a day, else the date.
export function when(date) {
  const seconds = (date - Date.now()) / 1000;
  const past = Math.abs(seconds);
  if (past < 45) return relative.format(0, "second");
  if (past < 45 * 60) return relative.format(Math.round(seconds / 60), "minute");
  if (past < 22 * 3600) return relative.format(Math.round(seconds / 3600), "hour");
  return day.format(date);
}
export const exactly = (date) => moment.format(date);
