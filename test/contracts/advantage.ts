export { advantageContract, advantageInput as input, advantagesOf as compute } from "@verlet/testing";
