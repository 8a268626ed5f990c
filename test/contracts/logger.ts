export { loggerContract, type LoggerRecord } from "@verlet/testing";
