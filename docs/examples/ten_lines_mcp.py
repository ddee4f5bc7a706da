import os

import trio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


async def main():
    server = StdioServerParameters(command="voicemode", args=["mcp"], env=dict(os.environ))
    async with Client(stdio_client(server)) as client:
        answer = await client.call_tool("converse", {"message": "What shall I do next?"})
        print(answer.content[0].text)


trio.run(main)
