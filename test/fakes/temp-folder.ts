export { tempFolder } from "@verlet/testing";
