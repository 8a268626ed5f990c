import { appendFile, mkdir, readdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { versionEvent } from "./event-message.js";
import { tfRecord } from "./tf-record.js";

/** A file that events are appended to. Each append is handed to the operating system whole, so a killed process loses none of them. */
export class EventFile {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * Begins a new file in the folder. Readers take a folder's files in the order of their names, which begin with the second
   * they were made in: one made within the same second as the last gets the next.
   */
  static async create(folder: string, wallTime: number): Promise<EventFile> {
    await mkdir(folder, { recursive: true });
    const seconds = (await readdir(folder)).map((name) => Number(/^events\.out\.tfevents\.(\d+)\./.exec(name)?.[1] ?? -1));
    const second = Math.max(Math.floor(wallTime), ...seconds.map((taken) => taken + 1));
    const file = new EventFile(join(folder, `events.out.tfevents.${String(second).padStart(10, "0")}.${hostname()}.${process.pid}.0`));
    await file.append(versionEvent({ wallTime }));
    return file;
  }

  async append(...events: readonly Uint8Array[]): Promise<void> {
    await appendFile(this.path, Buffer.concat(events.map(tfRecord)));
  }
}
