export { ByteTokenizer } from "@verlet/testing";
