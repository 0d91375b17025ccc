/* Sends audio in parts, three at a time, straight to the store where it can be reached, else to us. Can be stopped, goes on where
   it was, also after the page was closed: which parts arrived is asked, never remembered here.
   <div class="drop" data-uploads="address" data-limit-bytes data-lesson data-words="{…}"> around a file field, in a form with a
   csrf_token; beside it [data-upload-list], a live region [data-upload-said] and a [data-drawing] per severity. Without JavaScript the form sends the file. */

const PARALLEL = 3;
const TRIES = 5;
const MEGABYTE = 1e6;

const drop = document.querySelector("[data-uploads]");
const words = JSON.parse(drop.dataset.words);
const form = drop.closest("form");
const field = drop.querySelector("input[type=file]");
const list = document.querySelector("[data-upload-list]");
const live = document.querySelector("[data-upload-said]");
const drawings = new Map([...document.querySelectorAll("[data-drawing]")].map((each) => [each.dataset.drawing, each.firstElementChild]));
const csrf = form.elements.csrf_token?.value ?? "";
const queue = [];
const all = [];
let working = false;

class Stopped extends Error {}

class Refused extends Error {}

function say(text) {
  live.textContent = text;
}

function fill(text, ...values) {
  return text.replace(/\{(\d)\}/g, (_, index) => values[Number(index)]);
}

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function ask(address, method = "GET", body = undefined) {
  const response = await fetch(address, {
    method,
    headers: { "X-CSRFToken": csrf, ...(body && { "Content-Type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  if (response.redirected) {
    throw new Refused(words.signedOut);
  }
  if (response.status === 204) {
    return null;
  }
  const answer = await response.json();
  if (!response.ok && response.status < 500) {
    throw Object.assign(new Refused(answer.error), { status: response.status });
  }
  if (!response.ok) {
    throw new Error(answer.error);
  }
  return answer;
}

/* One file on its way. */
class Sending {
  constructor(file) {
    this.file = file;
    this.requests = new Set();
    this.sent = new Map();
    this.state = "waiting";
    this.draw();
  }

  get name() {
    const { name, size, lastModified } = this.file;
    return ["cadans-upload", drop.dataset.uploads, drop.dataset.lesson, name, size, lastModified].join(":");
  }

  draw() {
    this.row = element("li", "stack-tight");
    this.row.append(element("h2", "", this.file.name));
    this.progress = element("progress", "");
    this.progress.max = this.file.size || 1;
    this.progress.value = 0;
    this.progress.setAttribute("aria-label", this.file.name);
    this.said = element("p", "soft number", words.waiting);
    this.tools = element("p", "row");
    this.button = this.tool(words.stop, () => (this.state === "sending" ? this.stop() : this.goOn()));
    this.tool(words.remove, () => this.remove());
    this.row.append(this.progress, this.said, this.tools);
    list.append(this.row);
  }

  tool(text, action) {
    const button = element("button", "button", text);
    button.type = "button";
    button.setAttribute("aria-label", `${text}: ${this.file.name}`);
    button.addEventListener("click", action);
    this.tools.append(button);
    return button;
  }

  relabel(text) {
    this.button.textContent = text;
    this.button.setAttribute("aria-label", `${text}: ${this.file.name}`);
  }

  goOn() {
    this.state = "waiting";
    this.said.textContent = words.waiting;
    this.relabel(words.stop);
    queue.push(this);
    work();
  }

  stop() {
    this.state = "stopped";
    this.requests.forEach((request) => request.abort());
    this.said.textContent = words.stopped;
    this.relabel(words.resume);
    say(`${this.file.name}: ${words.stopped}`);
  }

  async remove() {
    this.state = "removed";
    this.requests.forEach((request) => request.abort());
    this.row.remove();
    all.splice(all.indexOf(this), 1);
    localStorage.removeItem(this.name);
    field.focus();
    if (this.upload) {
      await ask(`${drop.dataset.uploads}/${this.upload.id}`, "DELETE").catch(() => {});
    }
  }

  async run() {
    if (this.state !== "waiting") {
      return;
    }
    this.state = "sending";
    try {
      this.upload = await this.find();
      if (this.upload.lesson_url) {
        this.finish({ findings: [], lesson_url: this.upload.lesson_url });
        return;
      }
      await this.sendParts();
      this.said.textContent = words.checking;
      this.finish(await ask(`${drop.dataset.uploads}/${this.upload.id}/complete`, "POST"));
    } catch (error) {
      this.fail(error);
    }
  }

  /* The upload that was begun before, or a new one. */
  async find() {
    const known = localStorage.getItem(this.name);
    if (known) {
      const found = await ask(`${drop.dataset.uploads}/${known}`).catch((error) => {
        if (error.status !== 404) {
          throw error;
        }
        return null;
      });
      if (found?.state === "open") {
        return found;
      }
    }
    const { name, size } = this.file;
    const lesson = Number(drop.dataset.lesson) || null;
    const begun = await ask(drop.dataset.uploads, "POST", { file_name: name, size_bytes: size, lesson_id: lesson });
    if (begun.id) {
      localStorage.setItem(this.name, begun.id);
    }
    return begun;
  }

  async sendParts() {
    const { part_bytes: bytes, arrived } = this.upload;
    const count = Math.ceil(this.file.size / bytes);
    const left = [];
    this.sent.clear();
    for (let number = 1; number <= count; number += 1) {
      const part = this.file.slice((number - 1) * bytes, number * bytes);
      if (arrived.includes(number)) {
        this.sent.set(number, part.size);
      } else {
        left.push([number, part]);
      }
    }
    this.startedAt = performance.now();
    this.startedWith = this.total;
    this.show();
    const sender = async () => {
      while (left.length) {
        await this.sendPart(...left.shift());
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, sender));
  }

  async sendPart(number, part) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { url, is_here: isHere } = await ask(`${drop.dataset.uploads}/${this.upload.id}/parts/${number}`, "POST");
        await this.put(url, isHere, number, part);
        return;
      } catch (error) {
        if (this.state !== "sending") {
          throw new Stopped();
        }
        if (error instanceof Refused || attempt === TRIES) {
          throw error;
        }
        this.sent.delete(number);
        await pause(500 * 2 ** attempt);
      }
    }
  }

  put(url, isHere, number, part) {
    return new Promise((resolve, reject) => {
      if (this.state !== "sending") {
        reject(new Stopped());
        return;
      }
      const request = new XMLHttpRequest();
      this.requests.add(request);
      request.open("PUT", url);
      if (isHere) {
        request.setRequestHeader("X-CSRFToken", csrf);
        request.setRequestHeader("Content-Type", "application/octet-stream");
      }
      request.upload.addEventListener("progress", (event) => {
        this.sent.set(number, Math.min(event.loaded, part.size));
        this.show();
      });
      request.addEventListener("loadend", () => {
        this.requests.delete(request);
        if (request.status >= 200 && request.status < 300) {
          this.sent.set(number, part.size);
          this.show();
          resolve();
        } else {
          reject(new Error(`${request.status}`));
        }
      });
      request.send(isHere ? part : new Blob([part]));
    });
  }

  get total() {
    return [...this.sent.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  show() {
    this.progress.value = this.total;
    const seconds = (performance.now() - this.startedAt) / 1000;
    const speed = (this.total - this.startedWith) / seconds;
    if (this.state !== "sending" || seconds < 1 || speed <= 0) {
      return;
    }
    const left = Math.ceil((this.file.size - this.total) / speed);
    const time = left < 90 ? fill(words.seconds, left) : fill(words.minutes, Math.round(left / 60));
    const megabytes = (bytes) => (bytes / MEGABYTE).toFixed(bytes < 10 * MEGABYTE ? 1 : 0);
    this.said.textContent = fill(words.left, megabytes(this.total), megabytes(this.file.size), time);
  }

  fail(error) {
    if (["stopped", "removed"].includes(this.state)) {
      return;
    }
    this.state = "failed";
    this.requests.forEach((request) => request.abort());
    const why = error instanceof Refused ? error.message : words.failed;
    this.said.className = "field-error";
    this.said.textContent = why;
    this.relabel(words.resume);
    this.button.hidden = error instanceof Refused && Boolean(error.status);
    say(`${this.file.name}: ${why}`);
  }

  finish(answer) {
    this.state = "done";
    localStorage.removeItem(this.name);
    this.progress.value = this.progress.max;
    this.tools.remove();
    this.said.textContent = answer.said ?? "";
    this.row.append(drawFindings(answer.findings));
    if (answer.lesson_url) {
      const line = element("p", "");
      const link = element("a", "", words.toLesson);
      link.href = answer.lesson_url;
      link.setAttribute("aria-label", `${words.toLesson}: ${this.file.name}`);
      line.append(link);
      this.row.append(line);
    }
    const done = all.filter((each) => each.state === "done").length;
    const messages = answer.findings.map((finding) => finding.message);
    say([`${this.file.name}: ${answer.said ?? ""}`, ...messages, fill(words.done, done, all.length)].join(" "));
  }
}

function drawFindings(findings) {
  const drawn = element("ul", "findings");
  for (const finding of findings) {
    const row = element("li", `finding finding-${finding.severity}`);
    const line = element("p", "");
    line.append(element("span", "finding-word", `${words[finding.severity]}.`), ` ${finding.message}`);
    row.append(drawings.get(finding.severity).cloneNode(true), line);
    drawn.append(row);
  }
  return drawn;
}

function add(files) {
  for (const file of drop.dataset.lesson ? [...files].slice(0, 1) : files) {
    const sending = new Sending(file);
    all.push(sending);
    if (file.size > Number(drop.dataset.limitBytes)) {
      sending.fail(Object.assign(new Refused(words.tooBig), { status: 413 }));
    } else {
      queue.push(sending);
    }
  }
  work();
}

/* One file after the other: the first lessons are there first. */
async function work() {
  if (working) {
    return;
  }
  working = true;
  while (queue.length) {
    await queue.shift().run();
  }
  working = false;
}

drop.querySelector("button[type=submit]").hidden = true;
field.addEventListener("change", () => {
  add([...field.files]);
  field.value = "";
});
drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("drop-over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("drop-over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("drop-over");
  add([...event.dataTransfer.files]);
});
window.addEventListener("beforeunload", (event) => {
  if (all.some((each) => each.state === "sending")) {
    event.preventDefault();
  }
});
