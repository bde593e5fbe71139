"""What a data scientist writes: a FastAPI endpoint around a model, without a log. ``bare_endpoint.py MODEL_FOLDER PORT``."""

import sys
from pathlib import Path

import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from include.foundation.models.model_files import load_model

app, model = FastAPI(), load_model(Path(sys.argv[1]))
classes = [str(name) for name in model.classes_]


class Question(BaseModel):
    """What is asked."""

    text: str


class Answer(BaseModel):
    """What is answered."""

    prediction: str
    probabilities: dict[str, float]


@app.post("/predict")
async def predict(question: Question) -> Answer:
    """Answer one question."""
    chances = model.predict_proba(pd.DataFrame([{"text": question.text}]))[0]
    return Answer(
        prediction=classes[int(chances.argmax())], probabilities=dict(zip(classes, chances.tolist(), strict=True))
    )


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="warning")
