"""The original quiz's way of keeping answers, as the smallest application that does it: Flask's development server, and
one Firestore document added an answer. Only here to be compared with.

    python benchmarks/original.py PORT
"""

import sys

from flask import Flask, jsonify, request
from google.cloud import firestore

app = Flask(__name__)
database = firestore.Client()


@app.post("/submit")
def submit():
    database.collection("submissions").add({**request.get_json(), "received_at": firestore.SERVER_TIMESTAMP})
    return jsonify(saved=True)


if __name__ == "__main__":
    app.run(port=int(sys.argv[1]))
