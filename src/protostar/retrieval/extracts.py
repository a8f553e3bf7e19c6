from protostar.answers.extractive import summarize
