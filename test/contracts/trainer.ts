export { trainerContract, type TrainerCase } from "@verlet/testing";
