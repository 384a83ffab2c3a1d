const app = require("fastify")();

const item = async (request, reply) => {
  reply.code(request.params.id === "13" ? 503 : 200);
  return "";
};
app.register(async (shop) => shop.get("/items/:id", item), { prefix: "/shop" });
app.listen({ port: Number(process.argv[2]), host: "127.0.0.1" }).then(() => console.log("ready"));
