// Server-sent events out of a fetch: EventSource can send neither a body nor our headers.

const SILENCE = 25_000; // ms after which a connection is given up; the server says something every 15 s

export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      let timer;
      const silent = new Promise((_, reject) => { timer = setTimeout(() => reject(new TypeError("silence")), SILENCE); });
      const { value, done } = await Promise.race([reader.read(), silent]).finally(() => clearTimeout(timer));
      if (done) return;
      rest += value.replaceAll("\r\n", "\n");
      const blocks = rest.split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const event = { id: null, name: "message", data: "" };
        for (const line of block.split("\n")) {
          const [, field, text] = /^(\w*):? ?(.*)$/s.exec(line);
          if (field === "id") event.id = text;
          else if (field === "event") event.name = text;
          else if (field === "data") event.data += text;
        }
        if (event.data) yield { ...event, data: JSON.parse(event.data) };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
