"""Run by the original FMD's Python: what its routes answer, over its test client.

    python serve.py URL PREFIX PASSWORD NAME TIMEZONE < calls.json

Calls are lists of method, path, body as JSON and form. On one line each, after `ROUTES` its routes,
as methods and rules, and after `RESULT` the answers: status, JSON (or text), and content type.
"""

import json
import sys

import flask_monitoringdashboard as dashboard
import pytz
from flask import Flask

dashboard.config.database_name, dashboard.config.table_prefix = sys.argv[1:3]
dashboard.config.version = "1.1"
dashboard.config.timezone = pytz.timezone(sys.argv[5])
app = Flask("shop")
app.secret_key = "x"
app.config["PROPAGATE_EXCEPTIONS"] = False
app.add_url_rule("/items/<int:i>", "item", lambda i: "x")
app.add_url_rule("/orders", "orders", lambda: "x", methods=["GET", "POST"])
app.add_url_rule("/boom", "blog.boom", lambda: "x")
dashboard.bind(app)
client = app.test_client()
client.post("/dashboard/login", data={"name": sys.argv[4], "password": sys.argv[3]})
answers = []
for method, path, body, form in json.load(sys.stdin):
    answer = client.open(path, method=method, json=body, data=form)
    given = answer.get_json(silent=True) if answer.is_json else answer.get_data(as_text=True)
    answers.append([answer.status_code, given, answer.content_type])
routes = [[sorted(one.methods), one.rule] for one in app.url_map.iter_rules()]
print("ROUTES" + json.dumps(routes))
print("RESULT" + json.dumps(answers))
