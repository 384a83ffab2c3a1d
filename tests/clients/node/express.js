const express = require("express");

const app = express();
const items = express.Router();
items.get("/items/:id", (request, response) =>
  response.status(request.params.id === "13" ? 503 : 200).end());
app.use("/shop", items);
app.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));
