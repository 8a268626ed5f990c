export { FakePolicy, fakeModels } from "@verlet/testing";
