export { datasetReaderContract, type DatasetReaderCase } from "@verlet/testing";
