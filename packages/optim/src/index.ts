export { AdamW, type AdamWOptions } from "./adam-w.js";
export { clipFactor, globalNorm } from "./clip.js";
export { scheduleFactor, scheduleNames, type ScheduleName, type ScheduleOptions } from "./schedules.js";
